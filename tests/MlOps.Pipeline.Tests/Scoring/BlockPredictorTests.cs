using System.Text.Json;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Scoring;

[Collection(AzuriteFixture.Collection)]
public sealed class BlockPredictorTests(AzuriteFixture azurite)
{
    [Theory]
    [InlineData(TaskKind.Regression, false)]
    [InlineData(TaskKind.Regression, true)]
    [InlineData(TaskKind.Binary, false)]
    [InlineData(TaskKind.Binary, true)]
    [InlineData(TaskKind.Multiclass, false)]
    [InlineData(TaskKind.Multiclass, true)]
    public async Task Predictions_are_those_of_MLNet(TaskKind task, bool missing)
    {
        await using var host = new PipelineHost(azurite);
        var definition = ModelExplainerTests.Definition(task, missing);
        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", ModelExplainerTests.Csv(3001, task, missing)));
        run.Run.Error.Should().BeNull();
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        var train = await host.Get<DatasetStore>().OpenAsync(await host.Get<DatasetStore>().GetAsync(version.Lineage.Train, default), default);

        var inBlocks = new List<string>();
        foreach (var (key, spec) in definition.CandidateKeys.Zip(definition.Candidates))
        {
            var blobs = run.Artifacts.Single(artifact => artifact.Path == $"{key}/model.zip").Blob[..^"/model.zip".Length];
            var stored = await StoredModel.LoadAsync(host.Get<ArtifactStore>(), new ModelFiles(blobs), default);
            var table = await host.Get<FeatureTableCache>().GetAsync(train, stored.Featurizer, default);
            var curve = LearningCurves.Of(stored, key, table, table, task == TaskKind.Regression ? "mae" : "log_loss");
            AssertCurve(curve, spec, stored, table);
            if (BlockPredictor.Of(stored.Transformer) is { } blocks)
            {
                inBlocks.Add(spec.Trainer);
                // To the last bit; of several classes to single precision, as exponentials are added up in another order.
                var most = task == TaskKind.Multiclass ? 2e-6 : 0;
                blocks.Predict(table, threads: 2).Should()
                    .Equal(Evaluation.PredictRowByRow(stored.Transformer, table, threads: 2), (a, b) => Math.Abs(a - b) <= most, $"of {key}");
                var (predictions, difference) = ScorerCheck.Predict(stored.Transformer, table, threads: 2);
                difference.Should().BeLessThanOrEqualTo(ScorerCheck.Tolerance, $"of {key}");
                predictions.Should().Equal(blocks.Predict(table, threads: 1), $"of {key}");
                AssertRows(stored, host.Get<FeatureFunctions>(), ModelExplainerTests.Csv(603, task, missing));
            }
        }

        // With missing values, all but LightGBM fill them first, which is ML.NET's business.
        inBlocks.Should().Contain(TrainerNames.LightGbm);
        inBlocks.Contains(TrainerNames.FastTree).Should().Be(!missing);
    }

    /// <summary>Rows of a request have ML.NET's numbers, one by one and together; once they had others, ML.NET is asked.</summary>
    private static void AssertRows(StoredModel stored, FeatureFunctions functions, string csv)
    {
        var trees = RowTrees.Of(stored.Transformer, stored.Featurizer.Sources);
        (trees is null).Should().Be(stored.Featurizer.Target.Classes is not null, "of several classes each row has several numbers");
        if (trees is null)
        {
            return;
        }
        var (reader, problems) = (new InputReader(stored.Featurizer, functions), new List<string>());
        var rows = RowsOf(csv, stored.Featurizer).Select(row => reader.Read(row, "", problems)).ToArray();
        var (scores, own) = (new float[rows.Length], new RowScorer(stored.Transformer, stored.Featurizer));
        problems.Should().BeEmpty();

        trees.TryPredict(rows, own, scores).Should().BeTrue();

        scores.Should().Equal(rows.Select(own.Score)).And.HaveCountGreaterThan(2 * RowTrees.Share);
        scores.Distinct().Should().HaveCountGreaterThan(1);
        rows.Select(row => trees.Predict(row, own)).Should().Equal(scores.Select(score => (float?)score));
        AssertOthersAreFound(stored, rows, own);
    }

    /// <summary>Trees that look at the wrong places have other numbers than ML.NET: from the row on where that is seen, ML.NET is asked.</summary>
    private static void AssertOthersAreFound(StoredModel stored, FeatureRow[] rows, RowScorer own)
    {
        var (byOne, together) = (Wrong(), Wrong());
        var different = rows.First(row =>
        {
            own.RowsWithout = 1;
            return byOne.Predict(row, own) != own.Score(row);
        });
        byOne.Predict(different, own).Should().NotBeNull("it is not compared");

        own.RowsWithout = RowTrees.Share;
        byOne.Predict(different, own).Should().BeNull();
        byOne.Predict(different, own).Should().BeNull("it is not asked again");
        together.TryPredict([different, .. rows], own, new float[rows.Length + 1]).Should().BeFalse();
        together.Predict(different, own).Should().BeNull();

        RowTrees Wrong() => RowTrees.Of(stored.Transformer, [.. stored.Featurizer.Sources.Select(_ => new SlotSource(0))])!;
    }

    private static IEnumerable<JsonElement> RowsOf(string csv, Featurizer featurizer)
    {
        var lines = csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(',')).ToList();
        var known = featurizer.Inputs.Select(input => input.Name).ToHashSet(StringComparer.Ordinal);
        return lines.Skip(1).Select(cells => JsonSerializer.SerializeToElement(
            lines[0].Zip(cells).Where(pair => known.Contains(pair.First)).ToDictionary(pair => pair.First, pair => pair.Second is "" ? null : pair.Second)));
    }

    /// <summary>With all of its trees a learning curve ends at the metric itself, whoever fills missing values and makes probabilities of sums.</summary>
    private static void AssertCurve(LearningCurve curve, CandidateSpec spec, StoredModel stored, FeatureTable table)
    {
        if (spec.Trainer == TrainerNames.Sdca)
        {
            curve.None.Should().Contain("not made of trees");
            return;
        }
        curve.None.Should().BeNull($"{spec.Trainer} is made of trees");
        curve.Trees.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        curve.Training.Should().HaveSameCount(curve.Trees).And.Equal(curve.Validation, "the same rows were given for both");
        curve.Training[^1].Should().BeApproximately(Evaluation.Measure(stored.Transformer, table, threads: 1, stored.Featurizer.Scale)[curve.Metric], 1e-6);
        if (spec.Trainer != TrainerNames.FastForest)
        {
            curve.Training[0].Should().BeGreaterThan(curve.Training[^1], "the first boosted trees know less than all");
        }
    }
}
