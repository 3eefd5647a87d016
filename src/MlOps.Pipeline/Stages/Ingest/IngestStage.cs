using MlOps.Pipeline.Data;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Pipeline.Stages.Ingest;

public sealed record IngestInput(string RunId, string DefinitionId, string Source);

public sealed record IngestOutput(DatasetRef Raw, StageReport Report) : IStageOutput;

public sealed class IngestStage : IStage<IngestInput, IngestOutput>
{
    public static string Name => "ingest";

    public Task<IngestOutput> RunAsync(IngestInput input, CancellationToken cancel) => throw new NotImplementedException();
}
