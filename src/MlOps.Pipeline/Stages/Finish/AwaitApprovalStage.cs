using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Finish;

public sealed record AwaitApprovalInput;

public sealed record AwaitApprovalOutput : IStageOutput
{
    public StageReport Report { get; } = new();
}

/// <summary>Shows on the run that it waits for a person.</summary>
public sealed class AwaitApprovalStage(RunStore runs) : IStage<AwaitApprovalInput, AwaitApprovalOutput>
{
    public static string Name => "await-approval";

    public async Task<AwaitApprovalOutput> RunAsync(StageContext context, AwaitApprovalInput input, CancellationToken cancel)
    {
        context.Log($"waiting for a person to approve or reject");
        await runs.UpdateAsync(context.RunId, run => run.HasEnded ? run : run with { State = RunState.Waiting }, cancel);
        return new AwaitApprovalOutput();
    }
}
