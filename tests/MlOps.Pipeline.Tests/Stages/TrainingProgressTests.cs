using System.Collections.Concurrent;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Train;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class TrainingProgressTests(AzuriteFixture azurite)
{
    private readonly FakeTimeProvider time = new(DateTimeOffset.UtcNow);
    private readonly Lines lines = new();

    [Fact]
    public async Task A_short_training_tells_nothing()
    {
        await using var host = HostOf();
        var run = await CreateRunAsync(host);
        var (training, slow) = Follow(host, new TrainingWatch(run, "0-sdca"));

        time.Advance(TrainingProgress.Every - TimeSpan.FromMilliseconds(1));
        slow.SetResult();
        (await training).Should().Be("model");
        time.Advance(TrainingProgress.Every);

        (await MetricsAsync(host, run)).Should().BeEmpty();
        lines.Told.Should().BeEmpty();
    }

    [Fact]
    public async Task A_long_training_tells_every_fifteen_seconds_how_long_it_goes_and_when_it_should_end()
    {
        await using var host = HostOf();
        var run = await CreateRunAsync(host);
        var watch = new TrainingWatch(run, "0-lightgbm", maxMinutes: 2);
        var (training, slow) = Follow(host, watch);

        await AdvanceAsync(host, run, seconds: 15);
        var measuring = await MetricsAsync(host, run);
        watch.Note(new TrainingPlan(new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 7 }, TimeSpan.FromSeconds(110)));
        await AdvanceAsync(host, run, seconds: 30);
        var planned = await MetricsAsync(host, run);
        slow.SetResult();
        await training;

        measuring.Should().BeEquivalentTo(new Dictionary<string, double> { ["0-lightgbm.elapsed_seconds"] = 15, ["0-lightgbm.budget_left_seconds"] = 105 });
        planned.Should().BeEquivalentTo(new Dictionary<string, double>
        {
            ["0-lightgbm.elapsed_seconds"] = 30,
            ["0-lightgbm.budget_left_seconds"] = 90,
            ["0-lightgbm.expected_seconds"] = 110,
        });
        lines.Told.Should().Equal(
            $"Run {run}: candidate 0-lightgbm has trained for 15 s; trees: not told by this trainer; left of its budget: 105 s; expected to end after: "
                + $"not known yet",
            $"Run {run}: candidate 0-lightgbm has trained for 30 s; trees: not told by this trainer; left of its budget: 90 s; expected to end after: 110 s");
    }

    [Fact]
    public async Task Progress_that_cannot_be_kept_does_not_fail_the_training()
    {
        await using var host = HostOf(services => services.AddSingleton(Refusing()));
        var (training, slow) = Follow(host, new TrainingWatch("m-20260101000000000-abcdef", "0-sdca"));

        time.Advance(TrainingProgress.Every);
        await Eventually.IsTrueAsync(() => lines.Told.Any(line => line.Contains("could not be kept", StringComparison.Ordinal)));
        time.Advance(TrainingProgress.Every);
        await Eventually.IsTrueAsync(() => lines.Told.Count(line => line.Contains("could not be kept", StringComparison.Ordinal)) == 2);
        slow.SetResult();

        (await training).Should().Be("model");
    }

    [Fact]
    public async Task A_training_that_fails_fails_with_its_own_fault()
    {
        await using var host = HostOf();
        var (training, slow) = Follow(host, new TrainingWatch(await CreateRunAsync(host), "0-sdca"));

        slow.SetException(new InvalidOperationException("no rows"));

        await FluentActions.Awaiting(() => training).Should().ThrowAsync<InvalidOperationException>().WithMessage("no rows");
    }

    [Theory]
    [InlineData(TrainerNames.FastTree, true, 300)]
    [InlineData(TrainerNames.FastForest, true, 300)]
    [InlineData(TrainerNames.LightGbm, false, 1_000)]
    public async Task A_run_shows_how_its_candidate_goes_on_and_the_trees_of_trainers_that_tell_them(string trainer, bool tellsTrees, int trees)
    {
        await using var host = HostOf();
        // So many that training outlasts the writing of a line about it, however busy the machine is.
        var definition = Trips.Definition() with
        {
            Candidates = [new CandidateSpec { Trainer = trainer, Trees = trees, EarlyStopping = 0, MaxMinutes = 1000 }],
        };
        var path = host.WriteFile("trips.csv", Trips.Csv(3000, seed: 36));

        var running = host.RunAsync(definition, path);
        while (!running.IsCompleted)
        {
            time.Advance(TrainingProgress.Every);
            await Task.WhenAny(running, Task.Delay(TimeSpan.FromMilliseconds(2)));
        }
        var run = await running;

        var key = definition.CandidateKeys[0];
        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        run.Metrics[$"{key}.elapsed_seconds"].Should().BeGreaterThanOrEqualTo(15);
        run.Metrics[$"{key}.budget_left_seconds"].Should().Be((1000 * 60) - run.Metrics[$"{key}.elapsed_seconds"]);
        run.Metrics.ContainsKey($"{key}.trees_so_far").Should().Be(tellsTrees);
        run.Metrics.GetValueOrDefault($"{key}.trees_so_far").Should().BeInRange(0, 300);
    }

    private static (Task<string> Training, TaskCompletionSource Slow) Follow(PipelineHost host, TrainingWatch watch)
    {
        var slow = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return (host.Get<TrainingProgress>().FollowAsync(watch, async () => { await slow.Task; return "model"; }), slow);
    }

    /// <summary>Moves the clock by one step and waits until the run shows it.</summary>
    private async Task AdvanceAsync(PipelineHost host, string run, double seconds)
    {
        time.Advance(TrainingProgress.Every);
        await Eventually.IsTrueAsync(async () => (await MetricsAsync(host, run)).Any(
            metric => metric.Key.EndsWith("elapsed_seconds", StringComparison.Ordinal) && metric.Value == seconds));
    }

    private static async Task<string> CreateRunAsync(PipelineHost host)
    {
        var now = DateTimeOffset.UtcNow;
        var model = AzuriteFixture.UniqueModel();
        var run = new Run
        {
            RunId = RunId.New(model, now),
            Model = model,
            State = RunState.Cancelled,
            DefinitionId = "none",
            Source = "/nowhere.csv",
            Trigger = "test",
            Created = now,
        };
        await host.Get<RunStore>().CreateAsync(run, CancellationToken.None);
        return run.RunId;
    }

    private static async Task<IReadOnlyDictionary<string, double>> MetricsAsync(PipelineHost host, string run) =>
        (await host.Get<RunStore>().FindDetailsAsync(run, CancellationToken.None))!.Metrics;

    private PipelineHost HostOf(Action<IServiceCollection>? configure = null) => new(azurite, services =>
    {
        services.AddSingleton<TimeProvider>(time).AddSingleton<ILoggerProvider>(lines).AddLogging(logging => logging.SetMinimumLevel(LogLevel.Information));
        configure?.Invoke(services);
    });

    /// <summary>The same storage, whose tables take nothing.</summary>
    private PipelineStorage Refusing()
    {
        var options = new TableClientOptions();
        options.AddPolicy(new RefuseAll(), Azure.Core.HttpPipelinePosition.PerCall);
        return new PipelineStorage(new BlobServiceClient(azurite.ConnectionString), new TableServiceClient(azurite.ConnectionString, options));
    }

    private sealed class RefuseAll : HttpPipelineSynchronousPolicy
    {
        public override void OnSendingRequest(Azure.Core.HttpMessage message) => throw new Azure.RequestFailedException(503, "refused by the test");
    }

    /// <summary>What training tells the log.</summary>
    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> told = new();

        public IReadOnlyList<string> Told => [.. told];

        public ILogger CreateLogger(string categoryName) =>
            categoryName == typeof(TrainingProgress).FullName ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            told.Enqueue(formatter(state, exception));

        public void Dispose() { }
    }
}
