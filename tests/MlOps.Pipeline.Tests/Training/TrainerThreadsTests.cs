using Microsoft.ML;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Training;

/// <summary>Threads change how long a training takes, and nothing of what is learnt.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class TrainerThreadsTests(AzuriteFixture azurite)
{
    [Theory]
    [InlineData("fare")]
    [InlineData("payment")]
    [InlineData("vendor")]
    public async Task Whatever_their_number_a_trainer_learns_the_same(string target)
    {
        await using var bench = new StageBench(azurite);
        var definition = Trips.Definition() with { Target = target };
        var split = await bench.SplitAsync(definition, Trips.Csv(3000, seed: 82));
        var datasets = bench.Host.Get<DatasetStore>();
        var rows = await datasets.OpenAsync(await datasets.GetAsync(split.Train.Id, default), default);
        using var session = bench.Host.Get<DuckDb>().Open(default);
        var table = FeatureTable.Load(session, rows, Featurizer.Fit(session, rows, definition));

        foreach (var name in TrainerNames.BuiltIn)
        {
            var spec = new CandidateSpec { Trainer = name, Trees = 20 };
            Learn(spec, threads: 4).Should().Equal(Learn(spec, threads: 1), name);
        }

        double[] Learn(CandidateSpec spec, int threads)
        {
            var scale = Trainers.ScaleOf(spec, table);
            var context = Trainers.ContextOf(new MLContext(1), table.Featurizer, table.Rows, seed: 1, threads: 1, spec) with { Threads = threads };
            return Evaluation.Predict(new Trainers(context).Fit(table, scale), table, threads: 1, scale);
        }
    }

    [Theory]
    [InlineData(100_000, 8, 1)]
    [InlineData(600_000, 8, 2)]
    [InlineData(10_000_000, 8, 8)]
    [InlineData(10_000_000, 1, 1)]
    public void Few_cells_are_learnt_from_on_few_threads(int cells, int threads, int expected)
    {
        var ofOneColumn = FeatureTable.MadeUp(10).Featurizer;
        var spec = new CandidateSpec { Trainer = TrainerNames.LightGbm };

        Trainers.ContextOf(new MLContext(1), ofOneColumn, rows: cells, seed: 1, threads, spec).Threads.Should().Be(expected);
    }
}
