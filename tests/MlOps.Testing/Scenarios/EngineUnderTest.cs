using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Testing.Scenarios;

/// <summary>A running engine with the whole pipeline, and what a test does with it.</summary>
public abstract class EngineUnderTest(PipelineHost host) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public PipelineHost Host => host;

    public IPipelineEngine Engine => host.Get<IPipelineEngine>();

    public RunStore Runs => host.Get<RunStore>();

    /// <summary>Uploads a table, declares a definition and starts a run of both.</summary>
    public async Task<Run> SubmitAsync(PipelineDefinition definition, string csv, string trigger = "http", RunGoal goal = RunGoal.Model)
    {
        var blob = $"{definition.Model}/{Guid.NewGuid():N}.csv";
        await host.Storage.Raw.GetBlobClient(blob).UploadAsync(BinaryData.FromString(csv));
        await host.Get<DefinitionStore>().PutAsync(definition, CancellationToken.None);
        return await host.Get<RunStarter>().StartAsync(new RunRequest(definition.Model, "raw/" + blob, trigger) { Goal = goal }, CancellationToken.None);
    }

    /// <summary>The run as it is when it has ended, and its last stage too.</summary>
    public async Task<RunDetails> EndOfAsync(Run run)
    {
        await UntilAsync(run, now => now.Run.HasEnded);
        return await UntilAsync(run, now => now.Stages.All(stage => stage.State != StageState.Running));
    }

    public async Task<RunDetails> UntilAsync(Run run, Func<RunDetails, bool> condition)
    {
        RunDetails? now = null;
        await Eventually.IsTrueAsync(
            async () => condition((now = await Runs.FindDetailsAsync(run.RunId, CancellationToken.None))!),
            () => $"{now?.Run} {string.Join(", ", now?.Stages.Select(stage => $"{stage.Stage} {stage.Key}: {stage.State} {stage.Error}") ?? [])}", Patience);
        return now!;
    }

    /// <summary>Ends the engine, not its host's services; again is nothing. What it was at is left lying.</summary>
    public abstract Task StopAsync();

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await host.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
