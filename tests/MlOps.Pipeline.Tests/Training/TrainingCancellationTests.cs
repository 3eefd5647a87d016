using System.Diagnostics;
using Microsoft.ML;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Train;
using MlOps.Pipeline.Training;
using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Pipeline.Tests.Training;

[Collection(AzuriteFixture.Collection)]
public sealed class TrainingCancellationTests(AzuriteFixture azurite, ITestOutputHelper output)
{
    [Theory]
    [InlineData(TrainerNames.LightGbm)]
    [InlineData(TrainerNames.FastTree)]
    [InlineData(TrainerNames.FastForest)]
    public async Task A_training_that_is_cancelled_ends_at_its_next_iteration(string name)
    {
        await using var bench = new StageBench(azurite);
        var definition = Trips.Definition();
        var split = await bench.SplitAsync(definition, Trips.Csv(3000, seed: 81));
        var datasets = bench.Host.Get<DatasetStore>();
        var rows = await datasets.OpenAsync(await datasets.GetAsync(split.Train.Id, default), default);
        using var session = bench.Host.Get<DuckDb>().Open(default);
        var featurizer = Featurizer.Fit(session, rows, definition);
        var table = FeatureTable.Load(session, rows, featurizer);
        // So many that it would last for many minutes.
        var spec = new CandidateSpec { Trainer = name, Trees = 200_000, EarlyStopping = 0 };
        var ml = new MLContext(1);
        var trainer = new Trainers(Trainers.ContextOf(ml, featurizer, rows: 1, 1, threads: 1, spec));
        using var cancelled = new CancellationTokenSource();
        using var begun = new ManualResetEventSlim();
        var training = Task.Run(() => TrainingCancellation.Run(
            ml,
            () =>
            {
                begun.Set();
                return trainer.Fit(table, Trainers.ScaleOf(spec, table));
            },
            cancelled.Token));
        begun.Wait();

        var clock = Stopwatch.StartNew();
        cancelled.CancelAfter(TimeSpan.FromMilliseconds(500));
        var fault = await Record.ExceptionAsync(() => training.WaitAsync(TimeSpan.FromSeconds(60)));

        output.WriteLine($"{name} ended {clock.Elapsed - TimeSpan.FromMilliseconds(500)} after it was cancelled");
        fault.Should().BeAssignableTo<OperationCanceledException>();
        training.IsCompleted.Should().BeTrue("no thread trains on");
    }

    /// <summary>A trainer of the host may not look whether it is cancelled. The machine's only place does not wait for it.</summary>
    [Fact]
    public async Task A_training_that_does_not_hear_that_it_is_cancelled_frees_its_place_at_once()
    {
        using var trainer = new DeafTrainer();
        await using var host = new PipelineHost(
            azurite, services => services.AddMlOps(add => add.AddTrainer(trainer)).ChangeOptions(options => options with { MostTrainings = 1 }));
        var definition = Trips.Definition() with
        {
            Train = new TrainRules { Folds = 0 },
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 3 }],
        };
        var run = (await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(800, seed: 82)))).Run;
        var lineage = (await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default)).Lineage;
        var datasets = host.Get<DatasetStore>();
        var (train, validation) = ((await datasets.GetAsync(lineage.Train, default)).Ref, (await datasets.GetAsync(lineage.Validation, default)).Ref);
        var both = await host.Get<DefinitionStore>().SnapshotAsync(
            definition with { Candidates = [new CandidateSpec { Trainer = trainer.Name }, definition.Candidates[0] with { Trees = 4 }] }, default);
        using var cancelled = new CancellationTokenSource();
        var deaf = TrainAsync(0, cancelled.Token);
        trainer.Begun.Wait(TimeSpan.FromSeconds(60)).Should().BeTrue();
        var next = TrainAsync(1, default);
        await Task.Delay(TimeSpan.FromSeconds(2));
        next.IsCompleted.Should().BeFalse("the only place is taken");

        await cancelled.CancelAsync();

        (await Record.ExceptionAsync(() => deaf.WaitAsync(TimeSpan.FromSeconds(20)))).Should().BeAssignableTo<OperationCanceledException>();
        (await next.WaitAsync(TimeSpan.FromSeconds(60))).Candidate.Key.Should().Be("1-lightgbm");
        trainer.IsOver.Should().BeFalse("nobody waited for it");

        Task<TrainOutput> TrainAsync(int candidate, CancellationToken cancel) =>
            host.Get<TrainStage>().RunAsync(host.Context(run.RunId, both, $"{candidate}"), new TrainInput(candidate, train, validation), cancel);
    }

    /// <summary>Trains until the test ends.</summary>
    private sealed class DeafTrainer : ITrainer, IDisposable
    {
        private readonly ManualResetEventSlim end = new();

        public ManualResetEventSlim Begun { get; } = new();

        public bool IsOver { get; private set; }

        public string Name => "deaf";

        public IReadOnlyCollection<TaskKind> Tasks => [TaskKind.Regression];

        public IEstimator<ITransformer> Create(TrainerContext context)
        {
            Begun.Set();
            end.Wait(TimeSpan.FromMinutes(5));
            IsOver = true;
            return context.Ml.Regression.Trainers.OnlineGradientDescent(context.Label, context.Features);
        }

        /// <summary>Lets it go. What it waits by is left to it.</summary>
        public void Dispose() => end.Set();
    }
}
