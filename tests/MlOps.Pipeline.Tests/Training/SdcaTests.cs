using Microsoft.ML;
using Microsoft.ML.Trainers;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Training;

/// <summary>Tables on which coordinate ascent runs away, and that more regularisation holds.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class SdcaTests(AzuriteFixture azurite)
{
    private const int Rows = 300;

    [Theory]
    [InlineData(true, 1e-5f, true)]
    [InlineData(true, null, false)]
    [InlineData(false, 1e-5f, false)]
    public async Task Where_it_runs_away_it_is_held_back_until_it_finds_the_line(bool saysTheSameTwice, float? l2, bool isBeyondNumbers)
    {
        await using var bench = new StageBench(azurite);
        var definition = new PipelineDefinition { Model = AzuriteFixture.UniqueModel(), Target = "y" };
        var rows = Enumerable.Range(0, Rows).Select(i => $"{i},{(saysTheSameTwice ? (2 * i) + 1 : i % 7)},{(2 * i) + (i % 3)}\n");
        var split = await bench.SplitAsync(definition, "a,b,y\n" + string.Concat(rows));
        var datasets = bench.Host.Get<DatasetStore>();
        var train = await datasets.OpenAsync(await datasets.GetAsync(split.Train.Id, default), default);
        using var session = bench.Host.Get<DuckDb>().Open(default);
        var table = FeatureTable.Load(session, train, Featurizer.Fit(session, train, definition));
        var spec = new CandidateSpec { Trainer = TrainerNames.Sdca, L2 = l2 };
        var scale = Trainers.ScaleOf(spec, table)!;

        var context = Trainers.ContextOf(new MLContext(1), table.Featurizer, table.Rows, seed: 1, threads: 1, spec);
        var held = Evaluation.Score(new Trainers(context).Fit(table, scale), table, 1, scale).Metrics();

        Largest(table, scale, l2).Should().Match(largest => isBeyondNumbers ? !double.IsFinite(largest) : largest > 1e6, "else nothing is tried again");
        held["r2"].Should().BeGreaterThan(0.95);
    }

    /// <summary>The largest weight that ML.NET finds when it is left alone; infinite: it refuses its own weights.</summary>
    private static double Largest(FeatureTable table, TargetScale scale, float? l2)
    {
        var ml = new MLContext(1);
        var view = new FeatureView(table, null, scale);
        var prepared = ml.Data.Cache(ml.Transforms.NormalizeMeanVariance(FeatureView.Features).Fit(view).Transform(view));
        try
        {
            return ml.Regression.Trainers.Sdca(new SdcaRegressionTrainer.Options
            {
                LabelColumnName = FeatureView.Label,
                FeatureColumnName = FeatureView.Features,
                NumberOfThreads = 1,
                ConvergenceTolerance = 0.001f,
                L2Regularization = l2,
            }).Fit(prepared).Model.Weights.Max(Math.Abs);
        }
        catch (ArgumentOutOfRangeException)
        {
            return double.PositiveInfinity;
        }
    }
}
