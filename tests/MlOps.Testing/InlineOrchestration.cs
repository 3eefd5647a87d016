using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages;

namespace MlOps.Testing;

/// <summary>Runs an orchestration to its end in the calling task: no retries, no waiting, no restart.</summary>
public sealed class InlineOrchestration(RunInput run, StageRunner stages, string? approval = null, bool scalesOut = false) : IOrchestration
{
    public RunInput Run => run;

    public bool ScalesOut => scalesOut;

    public async Task<TOutput> RunAsync<TInput, TOutput>(Stage<TInput, TOutput> stage, TInput input, string key = "")
        where TOutput : IStageOutput
    {
        try
        {
            return await stages.RunAsync(stage, new StageCall<TInput>(run.RunId, run.DefinitionId, key, input), CancellationToken.None);
        }
        catch (InputException wrong)
        {
            throw new StageFailedException(wrong.Message, wrong);
        }
    }

    public Task<string?> WaitForEventAsync(string name, TimeSpan timeout) => Task.FromResult(approval);
}
