using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Testing;

/// <summary>Runs an orchestration to its end in the calling task: no retries, no waiting, no restart.</summary>
public sealed class InlineOrchestration(string runId, StageRunner stages, string? approval = null, bool scalesOut = false) : IOrchestration
{
    public string RunId => runId;

    public bool ScalesOut => scalesOut;

    public DateTimeOffset UtcNow => DateTimeOffset.UnixEpoch;

    public async Task<TOutput> RunStageAsync<TStage, TInput, TOutput>(string key, TInput input, StageRetry retry)
        where TStage : IStage<TInput, TOutput>
        where TOutput : IStageOutput
    {
        try
        {
            return await stages.RunAsync<TStage, TInput, TOutput>(new StageCall<TInput>(runId, key, input), CancellationToken.None);
        }
        catch (InputException wrong)
        {
            throw new StageFailedException(wrong.Message, wrong);
        }
    }

    public Task<string?> WaitForEventAsync(string name, TimeSpan timeout) => Task.FromResult(approval);
}
