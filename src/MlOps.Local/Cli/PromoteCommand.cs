using System.CommandLine;
using MlOps.Pipeline.Registry;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>promote</c>: a person's decision, whatever the gates say.</summary>
internal static class PromoteCommand
{
    private static readonly Argument<string> Model = new("MODEL") { Description = "The model's name" };
    private static readonly Argument<int> Version = new("VERSION") { Description = "The version to put into production" };

    public static Command Create()
    {
        var command = new Command("promote", "Put a version into production by hand") { Model, Version };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var registry = storage.Services.GetRequiredService<ModelRegistry>();
        var (name, version) = (parsed.GetValue(Model)!, parsed.GetValue(Version));
        await AuditCommand.RecordAsync(
            storage, "promote", $"models/{name}",
            async () =>
            {
                var before = (await registry.FindAsync(name, cancel))?.Production;
                await registry.SetAliasAsync(name, ModelAlias.Production, version, "promoted by hand on the command line", cancel);
                return (before is { } old ? $"version {old}" : null, $"version {version}");
            },
            cancel);
        terminal.Out.MarkupLineInterpolated($"[green]Model {name}: version {version} is in production.[/]");
        return ExitCode.Done;
    }
}
