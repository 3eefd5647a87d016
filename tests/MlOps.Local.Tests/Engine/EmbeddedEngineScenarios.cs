using Microsoft.Extensions.DependencyInjection;
using MlOps.Local.Engine;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Local.Tests.Engine;

/// <summary>The scenarios of every engine, on the embedded one.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class EmbeddedEngineScenarios(AzuriteFixture azurite) : EngineScenarios(azurite)
{
    protected override async Task<EngineUnderTest> StartAsync(Action<IServiceCollection>? configure = null)
    {
        var host = new PipelineHost(Azurite, services =>
        {
            services.AddEmbeddedEngine().AddSingleton(new EngineOptions { PollInterval = TimeSpan.FromMilliseconds(200) });
            configure?.Invoke(services);
        });
        await host.Get<EmbeddedEngine>().StartAsync(CancellationToken.None);
        return new Embedded(host);
    }

    [Fact]
    public Task A_canary_goes_on_where_a_killed_host_left_it() => KilledCanary.GoesOnAsync(StartAsync);

    [Fact]
    public Task A_table_is_scored_on_where_a_killed_host_left_it() => KilledScore.GoesOnAsync(Azurite, StartAsync);

    private sealed class Embedded(PipelineHost host) : EngineUnderTest(host)
    {
        public override Task StopAsync() => Host.Get<EmbeddedEngine>().StopAsync(CancellationToken.None);
    }
}
