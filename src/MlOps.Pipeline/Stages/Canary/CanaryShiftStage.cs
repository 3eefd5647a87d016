using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Canary;

/// <param name="Order">Which version.</param>
/// <param name="Percent">Its share from now on.</param>
/// <param name="IsFirst">True: nothing is split yet.</param>
public sealed record CanaryShiftInput(Contracts.CanaryOrder Order, int Percent, bool IsFirst);

/// <param name="Stopped">Why the canary cannot go on; null: it answers its share.</param>
public sealed record CanaryShiftOutput(string? Stopped) : IStageOutput
{
    public StageReport Report { get; } = new();
}

/// <summary>Gives a version its share of the requests, and shows on the run that it waits for what becomes of it.</summary>
public sealed class CanaryShiftStage(ModelTraffic traffic, RunStore runs) : IStage<CanaryShiftInput, CanaryShiftOutput>
{
    public static string Name => "canary-shift";

    public async Task<CanaryShiftOutput> RunAsync(StageContext context, CanaryShiftInput input, CancellationToken cancel)
    {
        var step = new CanaryStep(context.RunId, input.Order.Version, input.Order.Production, input.Percent, input.IsFirst);
        if (await traffic.ShiftAsync(context.Model, step, cancel) is { } stopped)
        {
            return new CanaryShiftOutput(stopped);
        }
        context.Log($"version {input.Order.Version} answers {input.Percent} % of the requests; production is version {input.Order.Production}");
        await runs.UpdateAsync(context.RunId, run => run.HasEnded ? run : run with { State = RunState.Waiting }, cancel);
        return new CanaryShiftOutput(Stopped: null);
    }
}
