using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Definitions;
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

    /// <summary>What the query asks of a line is read from the query itself.</summary>
    [Fact]
    public async Task The_line_of_a_failed_run_is_one_that_the_alerts_query_finds()
    {
        var query = await File.ReadAllTextAsync(QueryFile());
        var pipeline = query.Split('\n').Single(line => line.Contains("extend Pipeline =", StringComparison.Ordinal));
        var start = Regex.Match(pipeline, "Message startswith \"(.+?)\"").Groups[1].Value;
        var terms = Regex.Matches(pipeline, "Message has \"(.+?)\"").Select(term => term.Groups[1].Value).ToList();
        var severity = int.Parse(Regex.Match(query, @"SeverityLevel >= (\d)").Groups[1].Value, CultureInfo.InvariantCulture);
        var runId = new Regex(Regex.Match(query, "extract\\(@\"(\\^Run .+?)\", 1, Message\\)").Groups[1].Value);
        using var errors = new Errors();
        await using var host = new PipelineHost(azurite, services => services.AddSingleton<ILoggerProvider>(errors));

        var failed = await host.RunAsync(Trips.Definition(), host.WriteFile("wrong.csv", ""));

        var line = errors.Lines.Should().ContainSingle().Subject;
        start.Should().NotBeEmpty();
        terms.Should().HaveCount(2);
        line.Should().StartWith(start);
        // KQL's has: whole words, in any case.
        terms.Should().OnlyContain(term => Regex.IsMatch(line, $@"\b{term}\b", RegexOptions.IgnoreCase));
        severity.Should().BeLessThanOrEqualTo(3, "Application Insights takes a line of level Error as 3");
        runId.Match(line).Groups[1].Value.Should().Be(failed.Run.RunId);
    }

    [Fact]
    public async Task A_line_names_a_stage_with_its_key_where_it_has_one()
    {
        using var log = new Errors { Least = LogLevel.Warning };
        await using var host = new PipelineHost(azurite, services => services.AddSingleton<ILoggerProvider>(log));

        var early = await host.RunAsync(Trips.Definition(), host.WriteFile("wrong.csv", ""));
        var definition = Trips.Definition() with
        {
            Weights = RowWeights.Balanced,
            Candidates = [new CandidateSpec { Trainer = TrainerNames.Sdca }],
        };
        var late = await host.RunAsync(definition, host.WriteFile("good.csv", Trips.Csv(300, seed: 17)));

        log.Lines.Should().Contain(line => line.StartsWith($"Run {early.Run.RunId}: stage ingest failed: ", StringComparison.Ordinal))
            .And.Contain(line => line.StartsWith($"Run {late.Run.RunId}: stage train 0-sdca failed: ", StringComparison.Ordinal));
    }

    private static string QueryFile([CallerFilePath] string source = "") =>
        Path.Combine(Path.GetDirectoryName(source)!, "..", "..", "infra", "modules", "failed-runs.kql");

    private sealed class Errors : ILoggerProvider, ILogger
    {
        public LogLevel Least { get; init; } = LogLevel.Error;

        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= Least;

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
