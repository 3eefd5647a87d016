using System.Globalization;
using MlOps.Pipeline.Contracts;
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
public sealed class ModelExplainerTests(AzuriteFixture azurite)
{
    [Theory]
    [InlineData(TaskKind.Regression, false)]
    [InlineData(TaskKind.Regression, true)]
    [InlineData(TaskKind.Binary, false)]
    [InlineData(TaskKind.Binary, true)]
    [InlineData(TaskKind.Multiclass, false)]
    [InlineData(TaskKind.Multiclass, true)]
    public async Task Base_value_and_contributions_make_the_prediction_of_every_trainer(TaskKind task, bool missing)
    {
        await using var host = new PipelineHost(azurite);
        var definition = Definition(task, missing);
        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Csv(3000, task, missing)));
        run.Run.Error.Should().BeNull();
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        var train = await host.Get<DatasetStore>().OpenAsync(await host.Get<DatasetStore>().GetAsync(version.Lineage.Train, default), default);

        foreach (var key in definition.CandidateKeys)
        {
            var blobs = run.Artifacts.Single(artifact => artifact.Path == $"{key}/model.zip").Blob[..^"/model.zip".Length];
            var stored = await StoredModel.LoadAsync(host.Get<ArtifactStore>(), new ModelFiles(blobs), default);
            var table = await host.Get<FeatureTableCache>().GetAsync(train, stored.Featurizer, default);
            if (missing)
            {
                table.Numbers.Should().Contain(numbers => numbers.Any(float.IsNaN));
            }
            var state = ModelExplainer.Fit(stored.Transformer, table, threads: 2, default);
            var explainer = ModelExplainer.Of(stored.Transformer, stored.Featurizer, Json.Read<ExplainerState>(Json.Write(state)));
            var features = explainer.Features;
            var rows = Enumerable.Range(0, table.Rows).ToArray();

            var contributions = Enumerable.Range(0, explainer.Outputs).Select(output => explainer.Explain(table, rows, output, threads: 2, default)).ToList();

            features.Should().Equal(stored.Signature.Features.Select(feature => feature.Name));
            var scorer = new RowScorer(stored.Transformer, stored.Featurizer);
            var single = new List<FeatureRow>();
            for (var row = 0; row < rows.Length; row++)
            {
                var cells = new FeatureRow([.. table.Numbers.Select(column => column[row])], [.. table.Codes.Select(column => column[row])]);
                single.Add(cells);
                double[] sums =
                [
                    .. contributions.Select((own, output) => explainer.BaseValues[output] + own[(row * features.Count)..((row + 1) * features.Count)].Sum())
                ];
                var explained = Explained(task, sums, spec: key);
                double[] scores = task == TaskKind.Multiclass
                    ? scorer.ScoreClasses(cells)
                    : [scorer.Score(cells) is var score && stored.Featurizer.Scale is { } scale ? scale.FromModel(score) : score];
                explained.Should().Equal(scores, (a, b) => Math.Abs(a - b) < (task == TaskKind.Regression ? 2e-4 : 2e-6), $"row {row} of {key}");
            }
            (await explainer.ExplainAsync(single[..50], output: 0, TaskScheduler.Default, default)).Should()
                .Equal(contributions[0][..(50 * features.Count)], (a, b) => Math.Abs(a - b) < 1e-9);
        }
    }

    /// <summary>What the sums of base value and contributions say of the prediction.</summary>
    private static double[] Explained(TaskKind task, double[] sums, string spec)
    {
        if (task == TaskKind.Regression)
        {
            return sums;
        }
        // LightGBM and SDCA learn classes together; the others tell one from all others.
        var together = spec.EndsWith(TrainerNames.LightGbm, StringComparison.Ordinal) || spec.EndsWith(TrainerNames.Sdca, StringComparison.Ordinal);
        double[] shares = [.. sums.Select(sum => task == TaskKind.Multiclass && together ? Math.Exp(sum) : 1 / (1 + Math.Exp(-sum)))];
        return task == TaskKind.Binary ? shares : [.. shares.Select(share => share / shares.Sum())];
    }

    [Fact]
    public async Task Linear_contributions_are_weight_times_distance_from_the_mean_so_they_average_to_nothing()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with { Candidates = [new CandidateSpec { Trainer = TrainerNames.Sdca }] };
        await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(2000, seed: 52)));
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        var stored = await StoredModel.LoadAsync(host.Get<ArtifactStore>(), version.ToFiles(), default);
        var datasets = host.Get<DatasetStore>();
        var table = await host.Get<FeatureTableCache>()
            .GetAsync(await datasets.OpenAsync(await datasets.GetAsync(version.Lineage.Train, default), default), stored.Featurizer, default);
        var explainer = ModelExplainer.Of(stored.Transformer, stored.Featurizer, ModelExplainer.Fit(stored.Transformer, table, 1, default));

        var contributions = explainer.Explain(table, [.. Enumerable.Range(0, table.Rows)], output: 0, threads: 1, default);

        var miles = table.Numbers[Array.IndexOf([.. stored.Featurizer.Direct.Where(input => input.Categories is null).Select(input => input.Name)], "miles")];
        var own = contributions.Where((_, i) => i % explainer.Features.Count == explainer.Features.ToList().IndexOf("miles")).ToArray();
        own.Average().Should().BeApproximately(0, 1e-3);
        var slope = (own[1] - own[0]) / (miles[1] - miles[0]);
        Enumerable.Range(2, 100).Should().OnlyContain(row => Math.Abs(own[row] - own[0] - (slope * (miles[row] - miles[0]))) < 1e-3);
    }

    [Fact]
    public async Task Permutation_importance_finds_the_features_that_the_model_uses()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition();
        await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(1500, seed: 53)));
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        var stored = await StoredModel.LoadAsync(host.Get<ArtifactStore>(), version.ToFiles(), default);
        var datasets = host.Get<DatasetStore>();
        var table = await host.Get<FeatureTableCache>()
            .GetAsync(await datasets.OpenAsync(await datasets.GetAsync(version.Lineage.Validation, default), default), stored.Featurizer, default);

        var importances = PermutationImportance.Measure(stored.Transformer, table, [.. Enumerable.Range(0, table.Rows)], scale: null, 1, default);

        var names = stored.Signature.Features.Select(feature => feature.Name).ToList();
        importances.Should().HaveCount(names.Count);
        names[Array.IndexOf(importances, importances.Max())].Should().BeOneOf("miles", "seconds", "seconds_x_miles");
        importances[names.IndexOf("payment")].Should().BeLessThan(importances.Max() / 20);
    }

    internal static PipelineDefinition Definition(TaskKind task, bool missing)
    {
        var optional = new ColumnRule { Required = false };
        return Trips.Definition() with
        {
            Target = task == TaskKind.Regression ? "fare" : "tip",
            Columns = missing ? new Dictionary<string, ColumnRule> { ["miles"] = optional, ["seconds"] = optional } : new Dictionary<string, ColumnRule>(),
            Candidates = [.. TrainerNames.BuiltIn.Select(trainer => new CandidateSpec { Trainer = trainer, Trees = 25, Leaves = 12 })],
        };
    }

    /// <summary>Trips of which a sixth lacks the miles and another the seconds.</summary>
    internal static string Csv(int rows, TaskKind task, bool missing)
    {
        var random = new Random(51);
        var lines = Trips.Csv(rows, seed: 51).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return string.Join('\n', lines.Select((line, i) =>
        {
            var cells = line.Split(',').ToList();
            if (task != TaskKind.Regression)
            {
                cells.Add(i == 0 ? "tip" : Tip(double.Parse(cells[3], CultureInfo.InvariantCulture) + random.NextDouble()));
                cells.RemoveAt(5);
            }
            var gap = random.Next(6);
            if (missing && i > 0 && gap < 2)
            {
                cells[2 + gap] = "";
            }
            return string.Join(',', cells);
        })) + "\n";

        string Tip(double miles) => miles > 6 ? task == TaskKind.Multiclass && miles > 12 ? "much" : "yes" : "no";
    }
}
