using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Scoring;
using MlOps.Serving.Models;
using MlOps.Serving.Predictions;
using MlOps.Serving.Tests.Monitoring;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Serving.Tests;

/// <summary>How many threads explanations take when many ask for them at once.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class ExplainThreadsTests(AzuriteFixture azurite)
{
    private const int Most = 2;

    [Theory]
    [InlineData(TrainerNames.LightGbm)]
    [InlineData(TrainerNames.Sdca)]
    public async Task Many_requests_explain_on_no_more_threads_than_there_are_for_all_and_get_what_each_gets_alone(string trainer)
    {
        var counted = new CountedScheduler(ExplainThreads.Of(Most).Scheduler);
        await using var host = new PipelineHost(azurite, services => services.AddSingleton(new ExplainThreads(counted)).AddMlOpsServing());
        var definition = Trips.Definition() with
        {
            Model = AzuriteFixture.UniqueModel(),
            Train = new TrainRules { Folds = 0 },
            Candidates = [new CandidateSpec { Trainer = trainer, Trees = 60, EarlyStopping = 0 }],
        };
        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(1000, seed: 91)));
        run.Run.Error.Should().BeNull();
        var rows = LiveTrips.Rows(6000, seed: 92).Select(row => JsonDocument.Parse(row).RootElement).ToList();
        var requests = Enumerable.Range(0, 12).Select(i => i % 3 == 0 ? rows[i..(i + 1)] : rows[..(i * 500)]).ToList();
        var alone = new List<PredictionExplanations>();
        foreach (var request in requests)
        {
            alone.Add(await ExplainAsync(host, definition.Model, request));
        }
        var before = counted.Done;

        var together = await Task.WhenAll(requests.Select(request => Task.Run(() => ExplainAsync(host, definition.Model, request))));

        counted.MostAtOnce.Should().BeInRange(1, Most);
        (counted.Done - before).Should().BeGreaterThanOrEqualTo(
            requests.Count(request => request.Count > ExplainThreads.Few), "all of it is done there, but for the smallest");
        foreach (var (one, other) in alone.Zip(together))
        {
            other.BaseValues.Should().Equal(one.BaseValues);
            other.Contributions.Should().HaveSameCount(one.Contributions);
            other.Contributions.Zip(one.Contributions).Should().OnlyContain(pair => pair.First.SequenceEqual(pair.Second), "to the last bit");
        }
    }

    [Fact]
    public void Few_explanations_wait_for_nobody()
    {
        var threads = ExplainThreads.Of(Most);

        threads.For(ExplainThreads.Few).Should().BeSameAs(TaskScheduler.Default);
        threads.For(ExplainThreads.Few + 1).Should().BeSameAs(threads.Scheduler);
    }

    [Fact]
    public async Task A_host_has_the_threads_that_its_options_say()
    {
        await using var host = new PipelineHost(
            azurite, services => services.AddSingleton(new ServingOptions { ExplainThreads = 3 }).AddMlOpsServing());

        host.Get<ExplainThreads>().Scheduler.MaximumConcurrencyLevel.Should().Be(3);
        host.Get<ExplainThreads>().Should().BeSameAs(host.Get<ExplainThreads>(), "it is one for all");
    }

    private static async Task<PredictionExplanations> ExplainAsync(PipelineHost host, string model, IReadOnlyList<JsonElement> rows) =>
        (await host.Get<PredictionService>().PredictAsync(model, rows, new Wanted(ExplainKind.Prediction), keys: null, default))
            .Should().BeOfType<PredictionResult.Predicted>().Subject.Explanations!;

    /// <summary>Counts what is done on another.</summary>
    private sealed class CountedScheduler(TaskScheduler counted) : TaskScheduler
    {
        private readonly Lock counting = new();
        private int now;

        public int MostAtOnce { get; private set; }

        public int Done { get; private set; }

        public override int MaximumConcurrencyLevel => counted.MaximumConcurrencyLevel;

        protected override void QueueTask(Task task) => _ = Task.Factory.StartNew(
            () =>
            {
                lock (counting)
                {
                    MostAtOnce = Math.Max(MostAtOnce, ++now);
                }
                TryExecuteTask(task);
                lock (counting)
                {
                    (now, Done) = (now - 1, Done + 1);
                }
            },
            CancellationToken.None, TaskCreationOptions.None, counted);

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

        protected override IEnumerable<Task> GetScheduledTasks() => [];
    }
}
