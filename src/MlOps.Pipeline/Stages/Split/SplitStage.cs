using MlOps.Pipeline.Data;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Pipeline.Stages.Split;

public sealed record SplitInput(string RunId, string DefinitionId, DatasetRef Features);

public sealed record SplitOutput(DatasetRef Train, DatasetRef Validation, StageReport Report) : IStageOutput;

public sealed class SplitStage : IStage<SplitInput, SplitOutput>
{
    public static string Name => "split";

    public Task<SplitOutput> RunAsync(SplitInput input, CancellationToken cancel) => throw new NotImplementedException();
}
