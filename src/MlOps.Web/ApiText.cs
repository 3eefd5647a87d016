using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.OpenApi;
using MlOps.Pipeline;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Serving;

namespace MlOps.Web;

/// <summary>The text of <c>GET /openapi.json</c>, for a host that does not map the routes itself.</summary>
public sealed class ApiText
{
    private readonly Lazy<Task<string>> text = new(() => Task.Run(WriteAsync));

    public Task<string> ReadAsync(CancellationToken cancel) => text.Value.WaitAsync(cancel);

    /// <summary>The handlers' services are registered, by which their other parameters are told from them, but none is made.</summary>
    private static async Task<string> WriteAsync()
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });
        builder.Logging.ClearProviders();
        builder.Services
            .AddMlOpsPipeline()
            .AddMlOpsServing()
            .AddMlOpsWeb()
            .AddSingleton<PipelineStorage>(_ => throw new NotSupportedException("A description needs no storage."))
            .AddSingleton<IPipelineEngine>(_ => throw new NotSupportedException("A description needs no engine."))
            .AddSingleton<IServer, NoServer>();
        await using var app = builder.Build();
        app.MapMlOps();
        await app.StartAsync();
        var document = await app.Services.GetRequiredKeyedService<IOpenApiDocumentProvider>(OpenApi.ApiDocument.Name).GetOpenApiDocumentAsync();
        return await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1);
    }

    /// <summary>The routes are known once an app has started; nobody is to call this one.</summary>
    private sealed class NoServer : IServer
    {
        public IFeatureCollection Features { get; } = new FeatureCollection();

        public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
            where TContext : notnull => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose()
        {
        }
    }
}
