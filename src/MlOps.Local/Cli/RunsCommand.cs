using System.CommandLine;
using System.CommandLine.Completions;
using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>runs</c>: the newest runs, or one with its stages.</summary>
internal static class RunsCommand
{
    private static readonly TimeSpan FollowEvery = TimeSpan.FromSeconds(1);

    private static readonly Argument<string?> Id = new("RUN") { Description = "Show this run with its stages and metrics", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string?> Model = new("--model") { Description = "Only runs of this model", HelpName = "NAME" };

    private static readonly Option<string?> Log = new("--log") { Description = "Print the log of this stage of the run, such as train", HelpName = "STAGE" };

    private static readonly Option<bool> Follow = new("--follow", "-f") { Description = "With --log: print what is added too, until the run has ended" };

    public static Command Create()
    {
        var command = new Command("runs", "Show the newest runs, or one run with its stages or the log of a stage") { Id, Model, Log, Follow };
        Log.CompletionSources.Add(_ => PipelineStages.All.Select(stage => new CompletionItem(stage.Name)));
        command.Validators.Add(given =>
        {
            if (given.GetValue(Log) is { } stage && !PipelineStages.All.Any(known => known.Name == stage))
            {
                given.AddError($"There is no stage '{stage}'. Stages are {string.Join(", ", PipelineStages.All.Select(known => known.Name))}.");
            }
            if (given.GetValue(Log) is not null && given.GetValue(Id) is null)
            {
                given.AddError("Name the run whose log is wanted: runs RUN --log STAGE.");
            }
            if (given.GetValue(Follow) && given.GetValue(Log) is null)
            {
                given.AddError("--follow follows a log: name the stage with --log.");
            }
        });
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
        if (parsed.GetValue(Log) is { } stage)
        {
            await PrintLogAsync(storage.Services, id, stage, parsed.GetValue(Follow), cancel);
            return ExitCode.Done;
        }
        var details = await runs.FindDetailsAsync(id, cancel) ?? throw Unknown(id);
        terminal.Out.Write(RunTable.Draw(RunTable.Complete(details, []), DateTimeOffset.UtcNow));
        RunOutcome.Print(terminal.Out, details, isWhole: true);
        return ExitCode.Done;
    }

    private static async Task PrintLogAsync(IServiceProvider services, string id, string stage, bool follows, CancellationToken cancel)
    {
        var (runs, logs) = (services.GetRequiredService<RunStore>(), services.GetRequiredService<StageLogs>());
        for (long from = 0; ;)
        {
            // Whether it has ended is asked first: what was added until then is read after that.
            var run = await runs.FindAsync(id, cancel) ?? throw Unknown(id);
            var part = await logs.ReadAsync(id, stage, from, cancel);
            await Console.Out.WriteAsync(part.Text);
            from = part.Next;
            if (!follows || run.HasEnded)
            {
                return;
            }
            await Task.Delay(FollowEvery, cancel);
        }
    }

    private static InputException Unknown(string id) => new($"There is no run '{id}'. 'runs' without a name lists the newest.");

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
