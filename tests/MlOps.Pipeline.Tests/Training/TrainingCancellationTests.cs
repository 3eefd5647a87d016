using System.Diagnostics;
using Microsoft.ML;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
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
}
