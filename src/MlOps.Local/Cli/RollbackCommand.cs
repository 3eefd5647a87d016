using System.CommandLine;
using MlOps.Pipeline.Registry;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>rollback</c>: back to the production version before.</summary>
internal static class RollbackCommand
{
    private static readonly Argument<string> Model = new("MODEL") { Description = "The model's name" };

    private static readonly Option<int?> From = new("--from")
    {
        Description = "The version that is to leave production; default: whichever is there. With it the command may be given twice",
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
        int? production = null;
        await AuditCommand.RecordAsync(
            storage, "rollback", $"models/{name}",
            async () =>
            {
                from ??= (await registry.FindAsync(name, cancel))?.Production;
                production = (await registry.RollbackAsync(name, from, cancel)).Production;
                return ($"version {from}", $"version {production}");
            },
            cancel);
        terminal.Out.MarkupLineInterpolated($"[green]Model {name}: version {production} is in production again.[/]");
        return ExitCode.Done;
    }
}
