using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Finish;

public sealed record FinishInput(string RunId, bool Promoted, IReadOnlyList<string> BlockedBy, string? Error);

public sealed record FinishOutput(RunState State) : IStageOutput
{
    public StageReport Report { get; } = new();
}

/// <summary>Writes on the run how it ended.</summary>
public sealed class FinishStage(RunStore runs, TimeProvider time) : IStage<FinishInput, FinishOutput>
{
    public static string Name => "finish";

    public async Task<FinishOutput> RunAsync(FinishInput input, CancellationToken cancel)
    {
        var state = input.Error is not null ? RunState.Failed : input.Promoted ? RunState.Succeeded : RunState.Blocked;
        var run = await runs.UpdateAsync(
            input.RunId,
            run => run.HasEnded ? run : run with { State = state, Promoted = input.Promoted, BlockedBy = input.BlockedBy, Error = input.Error, Ended = time.GetUtcNow() },
            cancel);
        return new FinishOutput(run.State);
    }
}
