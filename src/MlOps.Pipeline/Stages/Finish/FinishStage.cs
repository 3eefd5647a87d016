using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Finish;

/// <param name="Promoted">Whether its version went into production.</param>
/// <param name="BlockedBy">Why not.</param>
/// <param name="Error">Why the run failed.</param>
/// <param name="Dataset">The dataset version that a run of goal <see cref="RunGoal.Dataset"/> or <see cref="RunGoal.Score"/> came to.</param>
public sealed record FinishInput(bool Promoted, IReadOnlyList<string> BlockedBy, string? Error, string? Dataset = null);

public sealed record FinishOutput(RunState State) : IStageOutput
{
    public StageReport Report { get; } = new();
}

/// <summary>Writes on the run how it ended, and a failure into the log: that one line is what an operator's alert looks for.</summary>
public sealed partial class FinishStage(RunStore runs, TimeProvider time, ILogger<FinishStage> logger) : IStage<FinishInput, FinishOutput>
{
    private const string Unwritten = "It failed, and storage did not answer when that was to be written down. The host's log says more.";

    public static string Name => StageStatus.Last;

    public async Task<FinishOutput> RunAsync(StageContext context, FinishInput input, CancellationToken cancel)
    {
        var state = input switch
        {
            { Error: not null } => RunState.Failed,
            { Promoted: false, Dataset: null } => RunState.Blocked,
            _ => RunState.Succeeded,
        };
        var details = await runs.FindDetailsAsync(context.RunId, cancel);
        await CloseStagesAsync(context.RunId, details?.Stages ?? [], cancel);
        var run = await runs.UpdateAsync(
            context.RunId,
            run => run.HasEnded
                ? run
                : run with
                {
                    State = state,
                    Promoted = input.Promoted,
                    BlockedBy = [.. run.BlockedBy, .. input.BlockedBy],
                    Dataset = input.Dataset,
                    Error = input.Error,
                    Ended = time.GetUtcNow(),
                    Metrics = MetricsOf(details),
                },
            cancel);
        context.Log($"run {run.State.ToString().ToLowerInvariant()}{(run.Dataset is null ? "" : $", dataset version {run.Dataset}")}");
        foreach (var reason in run.BlockedBy)
        {
            context.Log($"{reason}");
        }
        if (run.State == RunState.Failed)
        {
            LogFailed(run.RunId, run.Model, run.Error);
        }
        return new FinishOutput(run.State);
    }

    /// <summary>
    /// Where storage did not answer when the end of a stage was to be written, its row still says that it runs. What it came to is on record when it came to
    /// something.
    /// </summary>
    private async Task CloseStagesAsync(string runId, IReadOnlyList<StageStatus> stages, CancellationToken cancel)
    {
        foreach (var stage in stages.Where(stage => stage.State == StageState.Running && stage.Stage != Name))
        {
            var closed = await runs.FindResultAsync(runId, stage.Stage, stage.Key, cancel) is null
                ? stage with { State = StageState.Failed, Error = Unwritten }
                : stage with { State = StageState.Succeeded };
            await runs.LogStageAsync(runId, closed with { Ended = time.GetUtcNow() }, cancel);
        }
    }

    private static Dictionary<string, double>? MetricsOf(RunDetails? details)
    {
        var metrics = details?.Metrics.Where(metric => WinnerMetrics.IsOne(metric.Key)).ToDictionary(StringComparer.Ordinal) ?? [];
        return metrics.Count > 0 ? metrics : null;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Run {RunId} of model {Model} failed: {Problem}")]
    private partial void LogFailed(string runId, string model, string? problem);
}
