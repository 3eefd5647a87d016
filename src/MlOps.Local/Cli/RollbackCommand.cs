using System.CommandLine;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Registry;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>rollback</c>: back to the production version before.</summary>
internal static class RollbackCommand
{
    private static readonly Argument<string> Model = new("MODEL") { Description = "The model's name" };

    private static readonly Option<int?> From = new("--from")
    {
        Description = "The version that is to leave production, so that a command that is given twice goes back once",
        HelpName = "VERSION",
    };

    public static Command Create()
    {
        var command = new Command("rollback", "Put the version before back into production") { Model, From };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var registry = storage.Services.GetRequiredService<ModelRegistry>();
        var (name, from) = (parsed.GetValue(Model)!, parsed.GetValue(From));
        if (from is null && (await registry.FindAsync(name, cancel))?.Production is { } current)
        {
            throw new InputException($"Version {current} of '{name}' is in production. Say that it is the one to leave: rollback {name} --from {current}");
        }
        int? production = null;
        await AuditCommand.RecordAsync(
            storage, "rollback", $"models/{name}",
            async () =>
            {
                production = (await registry.RollbackAsync(name, from, cancel)).Production;
                return ($"version {from}", $"version {production}");
            },
            cancel);
        terminal.Out.MarkupLineInterpolated($"[green]Model {name}: version {production} is in production again.[/]");
        return ExitCode.Done;
    }
}
