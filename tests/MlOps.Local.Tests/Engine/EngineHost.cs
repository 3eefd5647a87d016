using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Local.Engine;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Finish;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Local.Tests.Engine;

/// <summary>One engine with probe stages on the shared storage, as one host process has it.</summary>
internal sealed class EngineHost : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private readonly PipelineHost host;
    private bool isRunning = true;
    private bool leavesRuns;

    private EngineHost(PipelineHost host) => this.host = host;

    public EmbeddedEngine Engine => host.Get<EmbeddedEngine>();

    public RunStore Runs => host.Get<RunStore>();

    public PipelineHost Services => host;

    /// <summary>A retry policy that does not make tests wait.</summary>
    public static StageRetry Quick { get; } = new(4, TimeSpan.FromMilliseconds(10));

    public static async Task<EngineHost> StartAsync(AzuriteFixture azurite, Probe probe, Orchestrate? orchestrate = null, EngineOptions? options = null)
    {
        var started = new EngineHost(new PipelineHost(azurite, services => services
            .AddEmbeddedEngine()
            .Replace(ServiceDescriptor.Singleton(orchestrate ?? OneStage))
            .AddSingleton((options ?? new EngineOptions { PollInterval = TimeSpan.FromMilliseconds(200) }) with { Retry = Quick })
            .AddSingleton(probe)
            .AddSingleton<ProbeStage>()));
        await started.Engine.StartAsync(CancellationToken.None);
        return started;
    }

    /// <summary>Runs the given keys' stages one after another, then finishes the run.</summary>
    public static Orchestrate Stages(params string[] keys) => async orchestration =>
    {
        try
        {
            foreach (var key in keys)
            {
                await ProbeAsync(orchestration, key);
            }
            await FinishAsync(orchestration);
        }
        catch (StageFailedException failure)
        {
            await FinishAsync(orchestration, failure.Message);
        }
    };

    /// <summary>One stage whose key is the model's name.</summary>
    public static Orchestrate OneStage { get; } = orchestration => Stages(orchestration.Run.Model)(orchestration);

    public static Task<ProbeOutput> ProbeAsync(IOrchestration orchestration, string key) =>
        orchestration.RunAsync(ProbeStage.Kind, new ProbeInput(key), key);

    public static Task FinishAsync(IOrchestration orchestration, string? error = null) =>
        orchestration.RunAsync(PipelineStages.Finish, new FinishInput(error is null, [], error));

    public Task<Run> SubmitAsync(string model) => SubmitAsync(model, Overlap.Queue);

    public Task<Run> SubmitAsync(string model, RunGoal goal) => SubmitAsync(model, Overlap.Queue, goal);

    public async Task<Run> SubmitAsync(string model, Overlap overlap, RunGoal goal = RunGoal.Model)
    {
        var definition = new PipelineDefinition { Model = model, Target = "y", RunOn = new(Overlap: overlap) };
        await host.Get<DefinitionStore>().PutAsync(definition, CancellationToken.None);
        return await host.Get<RunStarter>().StartAsync(new RunRequest(model, "/nowhere.csv", "cli") { Goal = goal }, CancellationToken.None);
    }

    public Task<Run> EndOfAsync(Run run) => UntilAsync(run, now => now.HasEnded);

    public async Task<Run> UntilAsync(Run run, Func<Run, bool> condition)
    {
        Run? now = null;
        await Eventually.IsTrueAsync(async () => condition((now = await Runs.FindAsync(run.RunId, CancellationToken.None))!), () => $"run is {now}", Patience);
        return now!;
    }

    public async Task<StageStatus?> StageAsync(Run run, string key) => await Runs.FindStageAsync(run.RunId, ProbeStage.Name, key, CancellationToken.None);

    /// <summary>Ends as a host does on Ctrl+C.</summary>
    public async Task StopAsync()
    {
        isRunning = false;
        await Engine.StopAsync(CancellationToken.None);
    }

    /// <summary>Leaves what is unfinished to the next engine.</summary>
    public void Abandon() => leavesRuns = true;

    /// <summary>No run of this test stays for the next one's engine to take up.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var run in leavesRuns ? [] : await Runs.ListUnfinishedAsync(CancellationToken.None))
        {
            await Runs.MarkEndedAsync(run.RunId, RunState.Cancelled, "the test is over", CancellationToken.None);
        }
        if (isRunning)
        {
            await StopAsync();
        }
        await host.DisposeAsync();
    }
}
