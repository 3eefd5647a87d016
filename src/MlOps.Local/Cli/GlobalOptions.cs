using System.CommandLine;
using MlOps.Local.Hosting;

namespace MlOps.Local.Cli;

/// <summary>Options that every verb has.</summary>
internal static class GlobalOptions
{
    private static readonly Option<int> Port = new("--port")
    {
        Description = "Port on 127.0.0.1 to serve on",
        HelpName = "N",
        DefaultValueFactory = _ => HostSettings.DefaultPort,
        Recursive = true,
        Validators =
        {
            result =>
            {
                if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var port) && port is < 0 or > 65535)
                {
                    result.AddError($"--port is {port}; it must be 0 to 65535.");
                }
            },
        },
    };

    private static readonly Option<string> Data = new("--data")
    {
        Description = "Folder of embedded storage and work files",
        HelpName = "DIR",
        DefaultValueFactory = _ => HostSettings.DefaultDataFolder,
        Recursive = true,
    };

    private static readonly Option<string?> Storage = new("--storage")
    {
        Description = "Connection string of an Azure Storage account, instead of embedded storage",
        HelpName = "CONNECTION",
        Recursive = true,
    };

    private static readonly Option<bool> Verbose = new("--verbose") { Description = "Log what happens, on standard error", Recursive = true };

    public static IReadOnlyList<Option> All { get; } = [Port, Data, Storage, Verbose];

    public static HostSettings Read(ParseResult parsed) => new()
    {
        Port = parsed.GetValue(Port),
        DataFolder = parsed.GetValue(Data)!,
        Storage = parsed.GetValue(Storage),
        Verbose = parsed.GetValue(Verbose),
    };
}
