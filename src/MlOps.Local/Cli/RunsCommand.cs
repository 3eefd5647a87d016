using System.CommandLine;
using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>runs</c>: the newest runs, or one with its stages.</summary>
internal static class RunsCommand
{
    private static readonly Argument<string?> Id = new("RUN") { Description = "Show this run with its stages and metrics", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string?> Model = new("--model") { Description = "Only runs of this model", HelpName = "NAME" };

    public static Command Create()
    {
        var command = new Command("runs", "Show the newest runs, or one run with its stages") { Id, Model };
        PageOptions.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var runs = storage.Services.GetRequiredService<RunStore>();
        if (parsed.GetValue(Id) is not { } id)
        {
            var page = await PageOptions.ReadAsync(parsed, (take, next) => runs.ListAsync(parsed.GetValue(Model), take, next, cancel));
            terminal.Out.Write(Draw(page.Items));
            PageOptions.Tell(terminal, page);
            return ExitCode.Done;
        }
        var details = await runs.FindDetailsAsync(id, cancel) ?? throw new InputException($"There is no run '{id}'. 'runs' without a name lists the newest.");
        terminal.Out.Write(RunTable.Draw(RunTable.Complete(details, []), DateTimeOffset.UtcNow));
        RunOutcome.Print(terminal.Out, details, isWhole: true);
        return ExitCode.Done;
    }

    private static Table Draw(IReadOnlyList<Run> runs)
    {
        var table = Terminal.Table("Run", "State", "Started by", "Version", "Created (UTC)", "Outcome");
        foreach (var run in runs)
        {
            string[] cells =
            [
                run.RunId, RunTable.Lower(run.State), run.Trigger, run.Version?.ToString(CultureInfo.InvariantCulture) ?? "",
                run.Created.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
                Outcome(run),
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }
        return table;
    }

    private static string Outcome(Run run) => run switch
    {
        { Error: { } error } => error,
        { Promoted: true } => "promoted",
        { Dataset: not null } => string.Join("; ", ["ingested", .. run.BlockedBy]),
        _ => string.Join("; ", run.BlockedBy),
    };
}
