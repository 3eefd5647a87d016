using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Serving;
using MlOps.Serving.Models;
using MlOps.Web.Access;

namespace MlOps.Web.Tests;

/// <summary>The HTTP face on Kestrel at a free port of 127.0.0.1, with real storage, fake models and an engine that only records.</summary>
internal sealed class WebHost : IAsyncDisposable
{
    private readonly WebApplication app;

    private WebHost(WebApplication app) => this.app = app;

    public HttpClient Client { get; } = new();

    public RecordingEngine Engine => (RecordingEngine)Get<IPipelineEngine>();

    public FakeScorers Scorers => (FakeScorers)Get<IScorerLoader>();

    public PipelineStorage Storage => Get<PipelineStorage>();

    /// <summary>What was logged as an error.</summary>
    public IReadOnlyCollection<string> Errors => Get<ErrorLog>().Messages;

    public T Get<T>() where T : notnull => app.Services.GetRequiredService<T>();

    public static async Task<WebHost> StartAsync(
        PipelineStorage storage, Action<IServiceCollection>? configure = null, Action<WebApplication>? map = null, string environment = "Production")
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        var errors = new ErrorLog();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Warning).AddProvider(errors);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services
            .AddSingleton(errors)
            .AddMlOpsPipeline()
            .AddSingleton(storage)
            .AddSingleton(new PipelineOptions { WorkFolder = Path.GetTempPath(), Threads = 1 })
            .AddSingleton(new AccessOptions { IsOpen = true })
            .AddSingleton<IPipelineEngine, RecordingEngine>()
            .AddSingleton<IScorerLoader, FakeScorers>()
            .AddSingleton(new ServingOptions { RefreshEvery = TimeSpan.FromMilliseconds(50) })
            .AddMlOpsServing()
            .AddMlOpsWeb();
        configure?.Invoke(builder.Services);
        var app = builder.Build();
        app.UseMlOpsWeb();
        map?.Invoke(app);
        await app.StartAsync();
        var host = new WebHost(app);
        host.Client.BaseAddress = new Uri(app.Urls.First());
        return host;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
    }

    private sealed class ErrorLog : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> messages = new();

        public IReadOnlyCollection<string> Messages => messages;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                messages.Enqueue($"{formatter(state, exception)} {exception?.Message}");
            }
        }

        public void Dispose()
        {
        }
    }
}
