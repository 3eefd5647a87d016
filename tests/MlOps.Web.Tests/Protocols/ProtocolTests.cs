using MlOps.Pipeline.Registry;
using MlOps.Testing;

namespace MlOps.Web.Tests.Protocols;

/// <summary>A host with models that predict their version's number, for all tests of a class.</summary>
public sealed class FakeModels(AzuriteFixture azurite) : IAsyncLifetime
{
    internal WebHost Host { get; private set; } = null!;

    public async Task InitializeAsync() => Host = await WebHost.StartAsync(azurite.NewStorage());

    public async Task DisposeAsync() => await Host.DisposeAsync();
}

/// <summary>A model of the test's own on the host of its class. Its inputs are a, and b, which may be missing.</summary>
public abstract class ProtocolTests : IClassFixture<FakeModels>
{
    private protected ProtocolTests(FakeModels models)
    {
        Host = models.Host;
        Host.Scorers.Score = version => version.Version;
        Host.Scorers.BeforeLoaded = _ => Task.CompletedTask;
    }

    private protected WebHost Host { get; }

    private protected HttpClient Client => Host.Client;

    private protected string Model { get; } = AzuriteFixture.UniqueModel();

    private protected ModelRegistry Registry => Host.Get<ModelRegistry>();
}
