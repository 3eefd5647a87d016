using MlOps.Pipeline.Data;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Pipeline.Stages.Features;

public sealed record FeaturesInput(string RunId, string DefinitionId, DatasetRef Clean);

public sealed record FeaturesOutput(DatasetRef Features, StageReport Report) : IStageOutput;

public sealed class FeaturesStage : IStage<FeaturesInput, FeaturesOutput>
{
    public static string Name => "features";

    public Task<FeaturesOutput> RunAsync(FeaturesInput input, CancellationToken cancel) => throw new NotImplementedException();
}
