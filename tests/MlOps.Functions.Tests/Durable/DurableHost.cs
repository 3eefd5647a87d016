using DurableTask.Core;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Functions.Durable;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Durable;

/// <summary>A <see cref="DurableWorker"/> on a test's storage.</summary>
internal sealed class DurableHost : EngineUnderTest
{
    /// <summary>A version that is none: instances begun before versions were told.</summary>
    public const string Unversioned = "";

    private readonly DurableWorker worker;

    private Task? stopped;

    private DurableHost(PipelineHost host, DurableWorker worker) : base(host) => this.worker = worker;

    public DurableTaskClient Client => worker.Client;

    /// <param name="azurite">Its storage.</param>
    /// <param name="backend">What keeps orchestrations.</param>
    /// <param name="configure">Adds to, or replaces, the services.</param>
    /// <param name="version">The app's version; null: today's.</param>
    public static async Task<DurableHost> StartAsync(
        AzuriteFixture azurite, IOrchestrationService backend, Action<IServiceCollection>? configure = null, string? version = null)
    {
        DurableWorker? started = null;
        var host = new PipelineHost(azurite, services =>
        {
            services.AddSingleton<StageCalls>()
                .AddSingleton<IPipelineEngine>(provider => new DurableEngine(started!.Client, provider.GetRequiredService<RunStore>()));
            configure?.Invoke(services);
        });
        started = await DurableWorker.StartAsync(
            host.Get<IServiceProvider>(), backend, version == Unversioned ? null : version ?? HostFile.Version);
        return new DurableHost(host, started);
    }

    public override Task StopAsync() => stopped ??= worker.StopAsync();
}
