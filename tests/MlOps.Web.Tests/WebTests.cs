using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Web.Tests;

/// <summary>A running host on the shared storage and a model name of the test's own.</summary>
public abstract class WebTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private protected AzuriteFixture Azurite { get; } = azurite;

    private protected WebHost Host { get; private set; } = null!;

    private protected HttpClient Client => Host.Client;

    private protected string Model { get; } = AzuriteFixture.UniqueModel();

    private protected ModelRegistry Registry => Host.Get<ModelRegistry>();

    private protected RunStore Runs => Host.Get<RunStore>();

    public async Task InitializeAsync() => Host = await WebHost.StartAsync(Azurite.NewStorage());

    public async Task DisposeAsync() => await Host.DisposeAsync();

    private protected async Task<PipelineDefinition> DeclareAsync(GateRules? gates = null)
    {
        var definition = new PipelineDefinition
        {
            Model = Model,
            Target = "y",
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm }, new CandidateSpec { Trainer = TrainerNames.Sdca }],
            Gates = gates ?? new GateRules(),
        };
        await Host.Get<DefinitionStore>().PutAsync(definition, default);
        return definition;
    }

    /// <summary>A stored run of the declared definition, as an engine would have left it.</summary>
    private protected async Task<Run> AddRunAsync(RunState state, GateRules? gates = null)
    {
        var now = DateTimeOffset.UtcNow;
        var run = new Run
        {
            RunId = RunId.New(Model, now),
            Model = Model,
            State = state,
            DefinitionId = await Host.Get<DefinitionStore>().SnapshotAsync(await DeclareAsync(gates), default),
            Source = $"raw/{Model}/a.csv",
            Trigger = "http",
            Created = now,
        };
        await Runs.CreateAsync(run, default);
        return run;
    }
}
