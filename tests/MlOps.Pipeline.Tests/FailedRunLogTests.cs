using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests;

/// <summary>The operator's alert (infra/modules/failed-runs.kql) reads the log: this is the line that it looks for.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class FailedRunLogTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_failed_run_says_so_once_at_level_error_and_a_good_one_says_nothing()
    {
        using var errors = new Errors();
        await using var host = new PipelineHost(azurite, services => services.AddSingleton<ILoggerProvider>(errors));
        var definition = Trips.Definition();

        var good = await host.RunAsync(definition, host.WriteFile("good.csv", Trips.Csv(300, seed: 17)));
        var failed = await host.RunAsync(definition, host.WriteFile("wrong.csv", ""));

        (good.Run.State, failed.Run.State).Should().Be((RunState.Succeeded, RunState.Failed));
        errors.Lines.Should().ContainSingle().Which.Should()
            .StartWith($"Run {failed.Run.RunId} of model {definition.Model} failed: ").And.Contain("is empty (0 bytes)");
    }

    private sealed class Errors : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                Lines.Enqueue(formatter(state, exception));
            }
        }

        public void Dispose() { }
    }
}
