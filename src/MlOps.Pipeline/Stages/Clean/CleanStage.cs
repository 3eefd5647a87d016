using MlOps.Pipeline.Data;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Pipeline.Stages.Clean;

public sealed record CleanInput(string RunId, string DefinitionId, DatasetRef Raw);

public sealed record CleanOutput(DatasetRef Clean, StageReport Report) : IStageOutput;

public sealed class CleanStage : IStage<CleanInput, CleanOutput>
{
    public static string Name => "clean";

    public Task<CleanOutput> RunAsync(CleanInput input, CancellationToken cancel) => throw new NotImplementedException();
}
