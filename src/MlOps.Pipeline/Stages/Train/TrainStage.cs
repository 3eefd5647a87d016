using MlOps.Pipeline.Data;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Pipeline.Stages.Train;

public sealed record TrainInput(string RunId, string DefinitionId, int CandidateIndex, DatasetRef Train, DatasetRef Validation);

public sealed record TrainOutput(TrainedCandidate Candidate, StageReport Report) : IStageOutput;

public sealed class TrainStage : IStage<TrainInput, TrainOutput>
{
    public static string Name => "train";

    public Task<TrainOutput> RunAsync(TrainInput input, CancellationToken cancel) => throw new NotImplementedException();
}
