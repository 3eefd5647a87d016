using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Functions.Hosting;
using MlOps.Testing;
using MlOps.Web;

namespace MlOps.Functions.Tests.Hosting;

/// <summary>What the worker logs goes to the Functions host, line by line, and is kept and paid for there.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class RequestLogTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_request_that_is_answered_is_no_line_of_the_log()
    {
        using var log = new Lines();
        var builder = FunctionsApplication.CreateBuilder([]);
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["AzureWebJobsStorage"] = azurite.ConnectionString, ["Access:Open"] = "true" });
        builder.ConfigureFunctionsWebApplication();
        builder.Services.AddMlOpsApp(builder.Configuration).AddLogging(logging => logging.AddProvider(log));
        using var app = builder.Build();
        await using var call = app.Services.CreateAsyncScope();
        var http = new DefaultHttpContext
        {
            RequestServices = call.ServiceProvider,
            Request = { Method = "GET", Path = "/ping", Host = new HostString("127.0.0.1") },
        };

        await app.Services.GetRequiredService<WebPipeline>().RunAsync(http, default);

        http.Response.StatusCode.Should().Be(200);
        log.Told.Should().BeEmpty();
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Told { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Information)
            {
                Told.Enqueue(formatter(state, exception));
            }
        }

        public void Dispose()
        {
        }
    }
}
