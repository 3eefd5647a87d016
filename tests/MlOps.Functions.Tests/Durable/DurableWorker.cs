using System.Net;
using DurableTask.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Converters;
using Microsoft.DurableTask.Testing.Sidecar.Grpc;
using Microsoft.DurableTask.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MlOps.Functions.Durable;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Functions.Tests.Durable;

/// <summary>The app's orchestrator and activities on the real Durable Task worker, with a backend of the caller's choice.</summary>
internal sealed class DurableWorker
{
    private readonly IOrchestrationService backend;
    private readonly WebApplication sidecar;
    private readonly IHost worker;

    private DurableWorker(IOrchestrationService backend, WebApplication sidecar, IHost worker) =>
        (this.backend, this.sidecar, this.worker) = (backend, sidecar, worker);

    public DurableTaskClient Client => worker.Services.GetRequiredService<DurableTaskClient>();

    /// <param name="app">The services that the functions are made of.</param>
    /// <param name="backend">What keeps orchestrations.</param>
    /// <param name="version">The app's version, as <c>host.json</c> names it; null: none.</param>
    public static async Task<DurableWorker> StartAsync(IServiceProvider app, IOrchestrationService backend, string? version = null)
    {
        var sidecar = await StartSidecarAsync(backend);
        var worker = BuildWorker(AddressOf(sidecar), app, version);
        await worker.StartAsync();
        return new DurableWorker(backend, sidecar, worker);
    }

    /// <summary>Ends the worker and all that dispatches to it at once; what they were at is left lying.</summary>
    public async Task StopAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await backend.StopAsync(isForced: true);
        await Ignore(() => worker.StopAsync(now.Token));
        await Ignore(() => sidecar.StopAsync(now.Token));
        worker.Dispose();
        await sidecar.DisposeAsync();
    }

    private static async Task Ignore(Func<Task> stop)
    {
        try
        {
            await stop();
        }
        catch (OperationCanceledException)
        {
        }
    }

    private static async Task<WebApplication> StartSidecarAsync(IOrchestrationService backend)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton(backend).AddSingleton((IOrchestrationServiceClient)backend).AddSingleton<TaskHubGrpcServer>().AddGrpc();
        var sidecar = builder.Build();
        sidecar.MapGrpcService<TaskHubGrpcServer>();
        await sidecar.StartAsync();
        return sidecar;
    }

    private static string AddressOf(WebApplication sidecar) =>
        sidecar.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    private static IHost BuildWorker(string address, IServiceProvider app, string? version)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        var channel = GrpcChannel.ForAddress(address);
        // The Functions app's serializer.
        var json = new JsonDataConverter(Json.Options);
        builder.Services
            .Configure<DurableTaskWorkerOptions>(options => options.DataConverter = json)
            .Configure<DurableTaskClientOptions>(options => options.DataConverter = json)
            .AddDurableTaskWorker(worker => Versioned(worker.UseGrpc(channel), version).AddTasks(registry => Register(registry, app)));
        builder.Services.AddDurableTaskClient(client =>
        {
            client.UseGrpc(channel).RegisterDirectly();
            if (version is not null)
            {
                client.UseDefaultVersion(version);
            }
        });
        return builder.Build();
    }

    /// <summary>What the Durable Functions extension does by <c>defaultVersion</c> and <c>versionMatchStrategy</c>, the worker does by these.</summary>
    private static IDurableTaskWorkerBuilder Versioned(IDurableTaskWorkerBuilder worker, string? version) => version is null
        ? worker
        : worker.UseVersioning(new DurableTaskWorkerOptions.VersioningOptions
        {
            Version = version,
            DefaultVersion = version,
            MatchStrategy = DurableTaskWorkerOptions.VersionMatchStrategy.CurrentOrOlder,
            FailureStrategy = DurableTaskWorkerOptions.VersionFailureStrategy.Reject,
        });

    private static void Register(DurableTaskRegistry registry, IServiceProvider app)
    {
        registry.AddOrchestratorFunc<RunInput, RunResult?>(nameof(Orchestrator.TrainModel), (context, input) => Orchestrator.TrainModel(context, input));
        foreach (var activity in FunctionActivity.All(type => ActivatorUtilities.CreateInstance(app, type)))
        {
            registry.AddActivity(activity.Name, activity);
        }
    }
}
