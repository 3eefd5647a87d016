using MlOps.Pipeline.Data;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Train;

namespace MlOps.Pipeline.Stages.Promote;

public sealed record PromoteInput(string RunId, string Model, string DefinitionId, TrainedCandidate Winner, IReadOnlyDictionary<string, double> Metrics, IReadOnlyList<string> FailedGates, DatasetRef Validation, ModelLineage Lineage);

public sealed record PromoteOutput(int Version, bool Promoted, IReadOnlyList<string> BlockedBy, StageReport Report) : IStageOutput;

public sealed class PromoteStage : IStage<PromoteInput, PromoteOutput>
{
    public static string Name => "promote";

    public Task<PromoteOutput> RunAsync(PromoteInput input, CancellationToken cancel) => throw new NotImplementedException();
}
