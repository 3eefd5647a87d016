using MlOps.Pipeline.Stages.Canary;
using MlOps.Pipeline.Tracking;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary>Shows a run while it goes on: a table that is drawn over on a terminal, else a line for everything that changes.</summary>
internal sealed class RunFollower(RunStore runs, Terminal terminal)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    /// <summary>Returns the run when it has ended.</summary>
    public async Task<RunDetails> FollowAsync(string runId, IReadOnlyList<string> candidates, CancellationToken cancel)
    {
        try
        {
            return await (terminal.IsLive ? FollowLiveAsync(runId, candidates, cancel) : FollowInLinesAsync(runId, cancel));
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            terminal.Say($"Interrupted: run {runId} goes on with the next start on this data folder.");
            throw;
        }
    }

    /// <summary>
    /// The last stage ends the run and only then gets its own final state; a host killed in between leaves it as running for good, so that
    /// is waited for only a moment.
    /// </summary>
    private static bool IsSettled(RunDetails details) =>
        details.Run.HasEnded
        && (details.Stages.All(stage => stage.State != StageState.Running)
            || (DateTimeOffset.UtcNow - details.Run.Ended)?.Duration() > TimeSpan.FromSeconds(2));

    private async Task<RunDetails> FollowLiveAsync(string runId, IReadOnlyList<string> candidates, CancellationToken cancel)
    {
        RunDetails? details = null;
        await terminal.Out.Live(new Text("")).StartAsync(async live =>
        {
            do
            {
                details = await ReadAsync(runId, cancel);
                var table = RunTable.Draw(RunTable.Complete(details, candidates), DateTimeOffset.UtcNow);
                table.Title = new TableTitle(Markup.Escape($"Run {runId}: {RunTable.Lower(details.Run.State)}"));
                live.UpdateTarget(table);
                await PauseAsync(details, cancel);
            }
            while (!IsSettled(details));
        });
        return details!;
    }

    private async Task<RunDetails> FollowInLinesAsync(string runId, CancellationToken cancel)
    {
        var shown = new HashSet<string>();
        terminal.Story.WriteLine($"Run {runId}");
        while (true)
        {
            var details = await ReadAsync(runId, cancel);
            foreach (var stage in RunTable.Complete(details, []).Where(stage => stage.State != StageState.Pending))
            {
                if (shown.Add($"{stage.Stage}|{stage.Key}|{stage.State}|{stage.Attempts}"))
                {
                    terminal.Story.WriteLine(RunTable.Line(stage, DateTimeOffset.UtcNow));
                }
            }
            if (details.Run is { State: RunState.Waiting } && WaitOf(details) is var wait && shown.Add(wait))
            {
                terminal.Story.WriteLine($"  {wait}: POST /runs/{runId}/approve");
            }
            if (IsSettled(details))
            {
                return details;
            }
            await PauseAsync(details, cancel);
        }
    }

    private static string WaitOf(RunDetails details) =>
        details.Stages.Where(stage => stage.Stage == CanaryShiftStage.Name).MaxBy(stage => stage.Started) is { } step
            ? $"waiting for what becomes of the version at {step.Key} % of the requests; ahead of time into production"
            : "waiting for approval";

    private async Task<RunDetails> ReadAsync(string runId, CancellationToken cancel) =>
        await runs.FindDetailsAsync(runId, cancel) ?? throw new InvalidOperationException($"Run {runId} is gone.");

    private static Task PauseAsync(RunDetails details, CancellationToken cancel) => IsSettled(details) ? Task.CompletedTask : Task.Delay(Pause, cancel);
}
