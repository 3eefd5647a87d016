using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Hosting;

/// <summary>What the worker logs goes to the Functions host, line by line, and is kept and paid for there.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class RequestLogTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_request_that_is_answered_is_no_line_of_the_log()
    {
        using var log = new Lines();
        await using var app = await AnsweringApp.StartAsync(azurite, log);

        var (status, _, _) = await app.AskAsync("GET", "/ping");

        status.Should().Be(200);
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
