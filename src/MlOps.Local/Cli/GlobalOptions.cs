using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using MlOps.Local.Hosting;

namespace MlOps.Local.Cli;

/// <summary>Options that every verb has.</summary>
internal static class GlobalOptions
{
    private static readonly Option<int> Port = new("--port")
    {
        Description = "Port to serve on",
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

    private static readonly Option<IPAddress> Listen = new("--listen")
    {
        Description = "Address to serve on; on another one than 127.0.0.1 callers need a key (see keys) or an Entra ID token",
        HelpName = "ADDRESS",
        DefaultValueFactory = _ => IPAddress.Loopback,
        CustomParser = result =>
        {
            if (IPAddress.TryParse(result.Tokens[0].Value, out var address))
            {
                return address;
            }
            result.AddError($"--listen is {result.Tokens[0].Value}; it must be an IP address, such as 0.0.0.0 for all of them.");
            return null;
        },
        Recursive = true,
    };

    private static readonly Option<bool> Insecure = new("--insecure")
    {
        Description = "Let everybody in who reaches --listen, to do everything: only where something in front says who may call",
        Recursive = true,
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
        Description = "Azure Storage account instead of embedded storage: its connection string, or https://NAME.blob.core.windows.net to sign in by identity",
        HelpName = "CONNECTION",
        Recursive = true,
    };

    private static readonly Option<bool> Durable = new("--durable")
    {
        Description = "Embedded storage answers only what the disk has, so that a power cut loses nothing either; slower",
        Recursive = true,
        Validators =
        {
            result =>
            {
                if (result.GetValueOrDefault<bool>() && HasStorage(result))
                {
                    result.AddError("--durable is about embedded storage; what --storage names keeps what it answers by itself.");
                }
            },
        },
    };

    private static readonly Option<bool> Verbose = new("--verbose") { Description = "Log what happens, on standard error", Recursive = true };

    public static IReadOnlyList<Option> All { get; } = [Port, Listen, Insecure, Data, Storage, Durable, Verbose];

    public static bool HasStorage(SymbolResult result) => result.GetResult(Storage) is { Implicit: false };

    public static HostSettings Read(ParseResult parsed) => new()
    {
        Port = parsed.GetValue(Port),
        Listen = parsed.GetValue(Listen)!,
        Insecure = parsed.GetValue(Insecure),
        DataFolder = parsed.GetValue(Data)!,
        Storage = parsed.GetValue(Storage),
        Durable = parsed.GetValue(Durable),
        Verbose = parsed.GetValue(Verbose),
        Services = (parsed.InvocationConfiguration as HostInvocation)?.Services,
    };
}
