using System.CommandLine;
using System.Globalization;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Local.Hosting;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;

namespace MlOps.Local.Cli;

/// <summary><c>copy</c>: a model version into another storage account, such as from test to production.</summary>
internal static class CopyCommand
{
    private static readonly Argument<string> Of = new("MODEL@VERSION") { Description = "The version: its number, or an alias such as production" };

    private static readonly Option<string> To = new("--to")
    {
        Description = "The other storage account: its connection string, or https://NAME.blob.core.windows.net to sign in by identity",
        HelpName = "ACCOUNT",
        Required = true,
    };

    private static readonly Option<bool> WithData = new("--with-data") { Description = "Bring its rows too, for live drift and comparisons there" };
    private static readonly Option<bool> Force = new("--force") { Description = "Also where the model there predicts another target, or is of another task" };

    public static Command Create()
    {
        var command = new Command("copy", "Copy a model version with its files, card and run into another storage account") { Of, To, WithData, Force };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var services = storage.Services;
        var (model, version) = await VersionAsync(services.GetRequiredService<ModelRegistry>(), parsed.GetValue(Of)!, cancel);
        var to = StorageAccount.Connect(parsed.GetValue(To)!, To.Name, new BlobClientOptions(), new TableClientOptions());
        await StorageAccount.EnsureAnsweringAsync(to, To.Name, cancel);
        var copied = default(ModelVersion);
        // It is there that something is other than it was.
        await new AuditTrail(to, TimeProvider.System).RecordAsync(
            $"{Environment.UserName}@{Environment.MachineName}", "copy", $"models/{model}",
            async () =>
            {
                var target = new ModelCopyTarget(to, parsed.GetValue(WithData), parsed.GetValue(Force));
                copied = await services.GetRequiredService<ModelCopy>().CopyAsync(model, version, target, cancel);
                return ($"{copied.From}", $"version {Number(copied.Version)}");
            },
            cancel);
        terminal.Say(
            $"Version {Number(version)} of {model} is version {Number(copied!.Version)} there. It serves nothing yet: with --storage of that account, "
            + $"'promote {model} {Number(copied.Version)}' puts it into production.");
        return ExitCode.Done;
    }

    private static async Task<(string Model, int Version)> VersionAsync(ModelRegistry registry, string given, CancellationToken cancel)
    {
        if (given.Split('@') is not [{ Length: > 0 } model, { Length: > 0 } name])
        {
            throw new InputException($"'{given}' names no version: write MODEL@3, or MODEL@production.");
        }
        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return (model, number);
        }
        return (await registry.FindAsync(model, cancel))?.Aliases.TryGetValue(name, out var version) == true
            ? (model, version)
            : throw new InputException($"Model '{model}' has no version or alias '{name}'. The command 'models {model}' shows them.");
    }

    private static string Number(int version) => version.ToString(CultureInfo.InvariantCulture);
}
