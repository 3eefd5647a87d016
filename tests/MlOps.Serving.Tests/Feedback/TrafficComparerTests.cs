using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Feedback;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Predictions;
using MlOps.Serving.Tests.Monitoring;
using MlOps.Testing;

namespace MlOps.Serving.Tests.Feedback;

/// <summary>Predictions of several versions, joined with what came true.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class TrafficComparerTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private static readonly JsonElement Row = JsonDocument.Parse("""{"a": 1}""").RootElement;

    private readonly TestClock clock = new(new DateTimeOffset(2026, 5, 4, 2, 59, 0, TimeSpan.Zero));
    private readonly string model = AzuriteFixture.UniqueModel();
    private MonitorHost host = null!;

    private FeedbackStore Store => host.Get<FeedbackStore>();

    public async Task InitializeAsync()
    {
        host = new MonitorHost(azurite, services => services.AddSingleton<TimeProvider>(clock).AddSingleton<IScorerLoader>(new FakeScorers())
            .AddSingleton(new ServingOptions { RefreshEvery = TimeSpan.Zero, StaleAfter = TimeSpan.Zero })
            .AddSingleton(new PredictionLogOptions { WriteEvery = TimeSpan.FromMilliseconds(20) }));
        var registry = host.Get<ModelRegistry>();
        for (var version = 1; version <= 3; version++)
        {
            await registry.AddVersionAsync(host.Pipeline.Storage, model);
        }
        await registry.SetAliasAsync(model, ModelAlias.Production, 1, "test", default);
        await host.Get<DefinitionStore>().PutAsync(new PipelineDefinition { Model = model, Target = "y" }, default);
        await host.StartAsync();
    }

    [Fact]
    public async Task Versions_are_compared_by_what_came_true_of_the_rows_that_each_answered()
    {
        await PredictAsync("before");
        clock.Now += TimeSpan.FromSeconds(1);
        var split = await SplitAsync(shadow: null);
        clock.Now += TimeSpan.FromMinutes(2);
        var answers = new List<PredictionResult.Predicted>();
        for (var i = 0; i < 500; i++)
        {
            answers.Add(await PredictAsync($"customer-{i}"));
        }
        await host.WrittenAsync();
        clock.Now += TimeSpan.FromSeconds(5);

        // Version n predicts n; what comes true is about 1, so version 2 is worse. Every second row is told by its key.
        var items = answers.Select((answer, i) => i % 2 == 0
            ? new FeedbackItem(answer.Id, null, Actual(i), clock.Now)
            : new FeedbackItem(null, $"customer-{i}", Actual(i), clock.Now)).ToList();
        (await Store.AddAsync(model, items, default)).Should().Be(new FeedbackCount(500, 0, 0));
        (await Store.AddAsync(model, items, default)).Should().Be(new FeedbackCount(0, 500, 0));
        (await Store.AddAsync(model, [items[0] with { Actual = "1.5" }, new FeedbackItem(PredictionId.New(clock.Now), null, "1", clock.Now)], default))
            .Should().Be(new FeedbackCount(1, 0, 1), "one is another value, one is of a prediction that nobody knows");

        var found = await host.Get<TrafficComparer>().CompareAsync(model, split, default);

        var losses = answers.Select((answer, i) => (answer.Version, Loss: Math.Pow(answer.Version - (i == 0 ? 1.5 : double.Parse(Actual(i))), 2))).ToList();
        found.Loss.Should().Be("squared_error");
        found.Unmatched.Should().Be(1);
        found.Variants.Select(variant => (variant.Version, variant.Variant, variant.Predictions, variant.Feedback)).Should().Equal(
            (1, "production", losses.Count(loss => loss.Version == 1), losses.Count(loss => loss.Version == 1)),
            (2, "challenger", losses.Count(loss => loss.Version == 2), losses.Count(loss => loss.Version == 2)));
        foreach (var variant in found.Variants)
        {
            var mine = losses.Where(loss => loss.Version == variant.Version).Average(loss => loss.Loss);
            variant.Loss.Should().BeApproximately(mine, 1e-9);
            variant.Metrics["rmse"].Should().BeApproximately(Math.Sqrt(mine), 1e-9);
        }
        found.Differences.Should().ContainSingle().Which.Verdict.Should().Be("worse");
        found.Differences[0].Interval!.Low.Should().BeGreaterThan(0);
    }

    [Fact]
    public async Task A_key_means_its_newest_prediction_before_it_was_told()
    {
        var split = await SplitAsync(shadow: 3);
        await PredictAsync("ann");
        clock.Now += TimeSpan.FromMinutes(1);
        var meant = await PredictAsync("ann");
        clock.Now += TimeSpan.FromMinutes(1);
        await Store.AddAsync(model, [new FeedbackItem(null, "ann", "1", clock.Now), new FeedbackItem(null, "bob", "1", clock.Now)], default);
        clock.Now += TimeSpan.FromMinutes(1);
        await PredictAsync("ann");
        await host.WrittenAsync();

        var found = await host.Get<TrafficComparer>().CompareAsync(model, split, default);

        found.Variants.Where(variant => variant.Variant != "shadow").Should().ContainSingle().Which.Should()
            .Match<VariantResult>(variant => variant.Version == meant.Version && variant.Predictions == 3 && variant.Feedback == 1);
        (found.Unmatched, await Store.DeleteAsync(model, "ann", default), await Store.DeleteAsync(model, "bob", default)).Should().Be((1, 1, 1));
        (await host.Get<TrafficComparer>().CompareAsync(model, split, default)).Variants.Should().OnlyContain(variant => variant.Feedback == 0);
    }

    [Fact]
    public async Task What_a_shadow_would_have_answered_stands_beside_what_callers_got()
    {
        var split = await SplitAsync(shadow: 3);
        var shadows = host.Get<ShadowScorer>();
        await shadows.StartAsync(default);
        for (var i = 0; i < 40; i++)
        {
            await PredictAsync($"customer-{i}");
        }
        await Eventually.IsTrueAsync(async () =>
        {
            await host.WrittenAsync();
            return (await host.Get<TrafficComparer>().CompareAsync(model, split, default)).Shadow is { Answered: 40 };
        });
        await shadows.StopAsync(default);

        var found = (await host.Get<TrafficComparer>().CompareAsync(model, split, default)).Shadow!;

        (found.Version, found.Asked, found.Answered, found.Failed, found.Dropped, found.Disagreement).Should().Be((3, 40, 40, 0, 0, null));
        // Version n predicts n: beside version 1 the shadow is 2 more, beside version 2 one.
        (found.Differences!.Least, found.Differences.Most).Should().Be((1, 2));
        found.Differences.Mean.Should().BeInRange(1, 2);
        found.Largest.Should().HaveCount(10).And.OnlyContain(row => row.Version == 1 && row.Answered == "1" && row.Shadow == "3" && row.Difference == 2);
        found.Largest[0].Features.GetRawText().Should().Be("""{"a":1}""");
        found.Largest[0].AnsweredBecause.Should().BeEquivalentTo(new Dictionary<string, double> { ["a"] = 1, ["b"] = 2 });
        found.Largest[0].ShadowBecause.Should().BeEquivalentTo(new Dictionary<string, double> { ["a"] = 1, ["b"] = 2 });
    }

    [Fact]
    public async Task What_a_shadow_was_not_asked_is_counted()
    {
        var split = await SplitAsync(shadow: 3);
        await PredictAsync("ann");
        await host.WrittenAsync();

        var found = (await host.Get<TrafficComparer>().CompareAsync(model, split, default)).Shadow!;

        (found.Asked, found.Answered, found.Dropped, found.Differences, found.Largest.Count).Should().Be((1, 0, 1, null, 0));
    }

    [Fact]
    public async Task Without_predictions_there_is_nothing_to_compare()
    {
        var split = await SplitAsync(shadow: null);

        var found = await host.Get<TrafficComparer>().CompareAsync(model, split, default);

        (found.Variants.Count, found.Differences.Count).Should().Be((0, 0));
    }

    public async Task DisposeAsync() => await host.DisposeAsync();

    private async Task<TrafficSplit> SplitAsync(int? shadow)
    {
        var wish = new TrafficWish(new Dictionary<int, int> { [1] = 50, [2] = 50 }, shadow, "test");
        return (await host.Get<ModelTraffic>().SplitAsync(model, wish, default)).Traffic!;
    }

    private static string Actual(int row) => row % 4 == 0 ? "0.9" : "1.1";

    private async Task<PredictionResult.Predicted> PredictAsync(string key) =>
        (PredictionResult.Predicted)await host.Get<PredictionService>().PredictAsync(model, [Row], Wanted.Nothing, [key], default);
}
