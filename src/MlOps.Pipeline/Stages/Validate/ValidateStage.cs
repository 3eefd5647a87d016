using MlOps.Pipeline.Data;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Train;

namespace MlOps.Pipeline.Stages.Validate;

public sealed record ValidateInput(string RunId, string DefinitionId, IReadOnlyList<TrainedCandidate> Candidates, DatasetRef Validation);

public sealed record ValidateOutput(TrainedCandidate Winner, IReadOnlyDictionary<string, double> Metrics, IReadOnlyList<string> FailedGates, StageReport Report) : IStageOutput;

public sealed class ValidateStage : IStage<ValidateInput, ValidateOutput>
{
    public static string Name => "validate";

    public Task<ValidateOutput> RunAsync(ValidateInput input, CancellationToken cancel) => throw new NotImplementedException();
}
