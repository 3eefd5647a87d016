using MlOps.Pipeline.Data;
using MlOps.Pipeline.Profiling;

namespace MlOps.Pipeline.Stages.Drift;

/// <param name="Train">Training rows.</param>
/// <param name="Validation">Validation rows.</param>
/// <param name="Part">Which part of the table they are selected from.</param>
public sealed record DriftPartInput(DatasetRef Train, DatasetRef Validation, int Part);

public sealed record DriftPartOutput(StageReport Report) : IStageOutput;

/// <summary>Profiles one part of a large table, beside other machines that profile the others; <see cref="DriftStage"/> joins them.</summary>
public sealed class DriftPartStage(DatasetStore datasets, ProfileStore profiles) : IStage<DriftPartInput, DriftPartOutput>
{
    public static string Name => "drift-part";

    public async Task<DriftPartOutput> RunAsync(StageContext context, DriftPartInput input, CancellationToken cancel)
    {
        var train = await datasets.GetAsync(input.Train.Id, cancel);
        var isNew = await profiles.KeepPartAsync(train, await datasets.GetAsync(input.Validation.Id, cancel), input.Part, cancel);
        return new DriftPartOutput(new StageReport(Reused: !isNew));
    }
}
