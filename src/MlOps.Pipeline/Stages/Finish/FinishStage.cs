using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Finish;

/// <param name="Promoted">Whether its version went into production.</param>
/// <param name="BlockedBy">Why not.</param>
/// <param name="Error">Why the run failed.</param>
/// <param name="Dataset">The dataset version that a run of goal <see cref="RunGoal.Dataset"/> came to.</param>
public sealed record FinishInput(bool Promoted, IReadOnlyList<string> BlockedBy, string? Error, string? Dataset = null);

public sealed record FinishOutput(RunState State) : IStageOutput
{
    public StageReport Report { get; } = new();
}

/// <summary>Writes on the run how it ended, and a failure into the log: that one line is what an operator's alert looks for.</summary>
public sealed partial class FinishStage(RunStore runs, TimeProvider time, ILogger<FinishStage> logger) : IStage<FinishInput, FinishOutput>
{
    public static string Name => StageStatus.Last;

    public async Task<FinishOutput> RunAsync(StageContext context, FinishInput input, CancellationToken cancel)
    {
        var state = input switch
        {
            { Error: not null } => RunState.Failed,
            { Promoted: false, Dataset: null } => RunState.Blocked,
            _ => RunState.Succeeded,
        };
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
                },
            cancel);
        if (run.State == RunState.Failed)
        {
            LogFailed(run.RunId, run.Model, run.Error);
        }
        return new FinishOutput(run.State);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Run {RunId} of model {Model} failed: {Problem}")]
    private partial void LogFailed(string runId, string model, string? problem);
}
