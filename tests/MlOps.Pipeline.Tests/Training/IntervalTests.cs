using System.Globalization;
using System.Text;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Pipeline.Tests.Training;

[Collection(AzuriteFixture.Collection)]
public sealed class IntervalTests(AzuriteFixture azurite, ITestOutputHelper output)
{
    private const int Fresh = 3000;

    /// <summary>Four standard deviations: a right interval fails once in 30,000 seeds, and the seed is fixed.</summary>
    private const double Deviations = 4;

    [Theory]
    [InlineData("even noise", 0, false)]
    [InlineData("noise grows with the value", 0, true)]
    [InlineData("noise of one group", 0, true)]
    [InlineData("heavy tails", 0, false)]
    [InlineData("skewed", 0, true)]
    [InlineData("noise grows with the value", 20_000, true)]
    public async Task Intervals_hold_the_declared_share_of_rows_that_the_model_has_not_seen_and_are_narrower_where_noise_is_uneven(
        string kind, int foldless, bool isUneven)
    {
        const int Seed = 531;
        await using var host = new PipelineHost(azurite);
        var definition = Definition() with { Train = new TrainRules { Folds = foldless > 0 ? 0 : 5 } };

        var run = await host.RunAsync(definition, host.WriteFile("made.csv", Csv(kind, 1500, Seed)));

        var scorer = await ScorerAsync(host, definition.Model);
        var (rows, truth) = Rows(kind, Fresh, Seed + 1);
        var predictions = scorer.Predict(rows);
        var calibrated = int.Parse(run.Params["intervals.rows"], CultureInfo.InvariantCulture);
        foreach (var level in new[] { 0.5, 0.8, 0.9, 0.95 })
        {
            var ranges = (await scorer.RangesAsync(rows, predictions, level, default)).Intervals!;
            var coverage = ranges.Zip(truth, (range, value) => value >= range.Low && value <= range.High ? 1.0 : 0).Average();
            var width = ranges.Average(range => range.High - range.Low);
            output.WriteLine($"{kind}, seed {Seed}: level {level}, coverage {coverage:F4}, mean width {width:F4}, {calibrated} rows");
            // Of the rows that tell, and of those that are asked about.
            var deviation = Math.Sqrt(level * (1 - level) * ((1.0 / calibrated) + (1.0 / Fresh)));
            coverage.Should().BeInRange(level - (Deviations * deviation), level + (Deviations * deviation) + 0.03, "{0} at {1}", kind, level);
        }
        output.WriteLine($"on validation rows: {run.Metrics["val_interval_coverage"]:F4}, {run.Metrics["val_interval_width"]:F4}");
        run.Params["intervals.from"].Should().Be(foldless > 0 ? "validation" : "out-of-fold");
        if (isUneven)
        {
            run.Params["intervals.spread"].Should().Be("true");
        }
        run.Metrics["val_interval_coverage"].Should().BeInRange(0.8, 1);
    }

    [Fact]
    public async Task Sets_of_classes_hold_the_declared_share_of_rows_of_each_class_also_of_the_rare_one()
    {
        const int Seed = 533;
        await using var host = new PipelineHost(azurite);
        var definition = Definition() with { Target = "class", Positive = "yes" };
        var run = await host.RunAsync(definition, host.WriteFile("made.csv", Classes(3000, Seed)));
        var scorer = await ScorerAsync(host, definition.Model);
        var lines = Classes(Fresh, Seed + 1).TrimEnd('\n').Split('\n').Skip(1).Select(line => line.Split(',')).ToList();
        JsonElement[] rows = [.. lines.Select(cells => JsonDocument.Parse($$"""{"x": {{cells[0]}}, "z": {{cells[1]}}, "g": "{{cells[2]}}"}""").RootElement)];

        var sets = (await scorer.RangesAsync(rows, scorer.Predict(rows), 0.9, default)).Sets!;

        sets.Should().OnlyContain(set => set.Count >= 1);
        foreach (var label in new[] { "yes", "no" })
        {
            var held = sets.Zip(lines).Where(row => row.Second[3] == label).Select(row => row.First.Contains(label) ? 1.0 : 0).ToList();
            output.WriteLine($"seed {Seed}, {label}: {held.Average():F4} of {held.Count}; {sets.Average(set => set.Count):F3} labels");
            held.Average().Should().BeGreaterThan(0.9 - (Deviations * Math.Sqrt(0.09 * ((2.0 / held.Count) + (1.0 / 200)))));
        }
        run.Metrics["val_set_coverage"].Should().BeInRange(0.8, 1);
        run.Metrics["val_set_size"].Should().BeInRange(1, 2);
    }

    [Fact]
    public async Task Too_few_rows_for_a_level_are_told_with_how_many_it_needs()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Definition();
        await host.RunAsync(definition, host.WriteFile("made.csv", Csv("even noise", 60, 535)));
        var scorer = await ScorerAsync(host, definition.Model);
        var (rows, _) = Rows("even noise", 2, 536);

        var wide = () => scorer.RangesAsync(rows, scorer.Predict(rows), 0.99, default);

        (await wide.Should().ThrowAsync<InputException>())
            .WithMessage("This version was measured on * rows, too few for an interval of 0.99, which needs 99. *");
        (await scorer.RangesAsync(rows, scorer.Predict(rows), 0.9, default)).Intervals.Should().HaveCount(2);
    }

    [Fact]
    public async Task A_stored_model_of_an_earlier_release_is_given_intervals_by_the_next_run_and_their_hashes_are_registered()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Definition();
        var file = host.WriteFile("made.csv", Csv("noise grows with the value", 800, 537));
        var first = await host.RunAsync(definition, file);
        var registry = host.Get<ModelRegistry>();
        var version = await registry.GetAsync(definition.Model, first.Run.Version!.Value, default);
        version.Sha256.Should().ContainKeys("intervals.json", "spread.zip", "out_of_fold.bin");
        foreach (var later in new[] { "intervals.json", "spread.zip" })
        {
            await host.Storage.Artifacts.GetBlobClient($"{version.ModelBlobs}/{later}").DeleteAsync();
        }
        var scorer = await ScorerAsync(host, definition.Model);
        var (rows, _) = Rows("even noise", 1, 538);
        var none = () => scorer.RangesAsync(rows, scorer.Predict(rows), 0.9, default);
        (await none.Should().ThrowAsync<InputException>()).WithMessage("This version was trained by a release that made no intervals: *start a new run*");

        var second = await host.RunAsync(definition, file);

        var again = await registry.GetAsync(definition.Model, second.Run.Version!.Value, default);
        again.ModelBlobs.Should().Be(version.ModelBlobs, "the stored model is found");
        again.Sha256.Should().BeEquivalentTo(version.Sha256, "the same rows make the same intervals");
        second.Metrics["val_interval_width"].Should().Be(first.Metrics["val_interval_width"]);
    }

    [Theory]
    [InlineData(0.5, 1000, null)]
    [InlineData(0.5, 0.1, "interval_width: * at 0.9 is above the allowed 0.1")]
    [InlineData(1, 1000, "interval_coverage: * at 0.9 is below the required 1")]
    public async Task Intervals_that_hold_too_few_rows_or_are_too_wide_block_where_a_gate_says_so_and_the_card_tells_them(
        double coverage, double width, string? reason)
    {
        await using var host = new PipelineHost(azurite);
        var definition = Definition() with { Gates = new GateRules { Interval = new IntervalGate(coverage, width) } };

        var run = await host.RunAsync(definition, host.WriteFile("made.csv", Csv("even noise", 600, 539)));

        run.Run.State.Should().Be(reason is null ? RunState.Succeeded : RunState.Blocked);
        if (reason is not null)
        {
            run.Run.BlockedBy.Should().ContainSingle().Which.Should().Match(reason);
        }
        var card = (await host.Get<ArtifactStore>().ReadAsync(run.Artifacts.Single(file => file.Path == "model-card.md").Blob, default)).ToString();
        card.Should().MatchRegex("Intervals of 90 % .* hold [0-9.]+ % of the rows").And.Contain("They are conformal, from");
        card.Should().Contain($"those of 0.9 are at most {width.ToString("G5", CultureInfo.InvariantCulture)} wide on average");
    }

    [Theory]
    [InlineData(9, 0.9, 9)]
    [InlineData(19, 0.9, 18)]
    [InlineData(99, 0.99, 99)]
    [InlineData(10, 0.5, 6)]
    [InlineData(100_000, 0.9, 90_001)]
    [InlineData(100_000, 0.95, 95_001)]
    public void The_score_of_a_level_has_the_rank_that_the_method_asks_for_also_of_thinned_scores(int rows, double level, int rank) =>
        ConformalScores.Of(null, Enumerable.Range(1, rows).Select(score => (double)score).Reverse()).At(level).Should().Be(rank);

    [Fact]
    public void A_level_between_two_kept_ranks_takes_the_higher_one_and_too_few_rows_say_nothing()
    {
        var many = ConformalScores.Of(null, Enumerable.Range(1, 100_000).Select(score => (double)score));

        many.Values.Should().HaveCountLessThanOrEqualTo(1000);
        many.At(0.90001).Should().Be(90_051);
        ConformalScores.Of(null, [1, 2, 3]).At(0.9).Should().BeNull();
        ConformalScores.FewestFor(0.9).Should().Be(9);
        ConformalScores.FewestFor(0.99).Should().Be(99);
    }

    private static PipelineDefinition Definition() => new()
    {
        Model = AzuriteFixture.UniqueModel(),
        Target = "y",
        Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 60 }],
    };

    private static async Task<ModelScorer> ScorerAsync(PipelineHost host, string model)
    {
        var registry = host.Get<ModelRegistry>();
        var version = await registry.GetAsync(model, (await registry.FindAsync(model, default))!.Production!.Value, default);
        return await ModelScorer.LoadAsync(host.Get<ArtifactStore>(), host.Get<FeatureFunctions>(), version.ToFiles(), default);
    }

    private static string Csv(string kind, int rows, int seed)
    {
        var csv = new StringBuilder("x,z,g,y\n");
        foreach (var (x, z, g, y) in Made(kind, rows, seed))
        {
            csv.Append(CultureInfo.InvariantCulture, $"{x:F5},{z:F5},{g},{y:F5}\n");
        }
        return csv.ToString();
    }

    private static (JsonElement[] Rows, double[] Truth) Rows(string kind, int rows, int seed)
    {
        var made = Made(kind, rows, seed).ToList();
        return (
            [.. made.Select(row => JsonDocument.Parse(string.Create(
                CultureInfo.InvariantCulture, $$"""{"x": {{row.X:F5}}, "z": {{row.Z:F5}}, "g": "{{row.G}}"}""")).RootElement)],
            [.. made.Select(row => row.Y)]);
    }

    private static IEnumerable<(double X, double Z, string G, double Y)> Made(string kind, int rows, int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < rows; i++)
        {
            var (x, z) = (random.NextDouble() * 10, random.NextDouble());
            var group = random.Next(4) == 0 ? "wild" : "calm";
            var value = (3 * x) + (5 * Math.Sin(6 * z));
            yield return (x, z, group, kind switch
            {
                "even noise" => value + (2 * Normal()),
                "noise grows with the value" => value + (0.6 * x * Normal()),
                "noise of one group" => value + ((group == "wild" ? 8 : 1) * Normal()),
                // Student's t with three degrees of freedom.
                "heavy tails" => value + (2 * Normal() / Math.Sqrt((Square() + Square() + Square()) / 3)),
                "skewed" => value * Math.Exp(0.5 * Normal()),
                _ => throw new ArgumentException($"No table is made of '{kind}'.", nameof(kind)),
            });
        }

        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

        double Square() => Normal() is var drawn ? drawn * drawn : 0;
    }

    /// <summary>A tenth of the rows is positive.</summary>
    private static string Classes(int rows, int seed)
    {
        var random = new Random(seed);
        var csv = new StringBuilder("x,z,g,class\n");
        for (var i = 0; i < rows; i++)
        {
            var (x, z) = (random.NextDouble() * 10, random.NextDouble());
            var probability = 1 / (1 + Math.Exp(-((1.2 * x) + (2 * z) - 12)));
            var (group, label) = (random.Next(2) == 0 ? "a" : "b", random.NextDouble() < probability ? "yes" : "no");
            csv.Append(CultureInfo.InvariantCulture, $"{x:F5},{z:F5},{group},{label}\n");
        }
        return csv.ToString();
    }
}
