using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MlOps.Functions.Hosting;
using MlOps.Pipeline.Data;
using MlOps.Testing;
using MlOps.Web;

namespace MlOps.Functions.Tests.Hosting;

/// <summary>The app with its own services, open to everybody, and its function for every path that has none of its own.</summary>
internal sealed class AnsweringApp : IAsyncDisposable
{
    private readonly IHost host;

    private AnsweringApp(IHost host) => this.host = host;

    public IServiceProvider Services => host.Services;

    public static async Task<AnsweringApp> StartAsync(AzuriteFixture azurite, ILoggerProvider? log = null)
    {
        var builder = FunctionsApplication.CreateBuilder([]);
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["AzureWebJobsStorage"] = azurite.ConnectionString, ["Access:Open"] = "true" });
        builder.ConfigureFunctionsWebApplication();
        builder.Services.AddMlOpsApp(builder.Configuration);
        if (log is not null)
        {
            builder.Services.AddLogging(logging => logging.AddProvider(log));
        }
        var app = new AnsweringApp(builder.Build());
        await app.Services.GetRequiredService<PipelineStorage>().EnsureCreatedAsync(CancellationToken.None);
        return app;
    }

    public async Task<(int Status, string? Type, string Text)> AskAsync(string method, string path, string query = "")
    {
        await using var call = Services.CreateAsyncScope();
        using var answer = new MemoryStream();
        var http = new DefaultHttpContext
        {
            RequestServices = call.ServiceProvider,
            Request = { Method = method, Path = path, QueryString = new QueryString(query), Host = new HostString("127.0.0.1") },
            Response = { Body = answer },
        };
        await Services.GetRequiredService<WebPipeline>().RunAsync(http, CancellationToken.None);
        return (http.Response.StatusCode, http.Response.ContentType, Encoding.UTF8.GetString(answer.ToArray()));
    }

    public async ValueTask DisposeAsync()
    {
        if (host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
        host.Dispose();
    }
}
