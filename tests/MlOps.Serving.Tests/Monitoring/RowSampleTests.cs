using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Predictions;
using MlOps.Testing;

namespace MlOps.Serving.Tests.Monitoring;

/// <summary>A share of the rows is kept: of a key all or none, of an id what every version said, of every version the same share.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class RowSampleTests(AzuriteFixture azurite)
{
    private readonly string model = AzuriteFixture.UniqueModel();

    [Fact]
    public void Every_share_of_the_traffic_keeps_the_same_share_of_its_keys_and_a_larger_sample_keeps_all_of_a_smaller_one()
    {
        var keys = Enumerable.Range(0, 20_000).Select(i => $"customer-{i}").ToList();

        foreach (var half in keys.GroupBy(key => TrafficSplit.BucketOf(key) < 5000))
        {
            half.Average(key => RowSample.Keeps(0.3, key, "") ? 1.0 : 0.0).Should().BeApproximately(0.3, 0.02);
        }
        keys.Where(key => RowSample.Keeps(0.3, key, "")).Should().OnlyContain(key => RowSample.Keeps(0.4, key, ""));
        keys.Should().OnlyContain(key => RowSample.Keeps(1, key, ""));
    }

    [Fact]
    public async Task Rows_of_a_key_are_kept_or_not_and_all_that_versions_said_of_a_row_stays_together()
    {
        await using var host = new MonitorHost(azurite, services => services.AddSingleton<IScorerLoader>(new FakeScorers())
            .AddSingleton(new ServingOptions { RefreshEvery = TimeSpan.Zero, StaleAfter = TimeSpan.Zero })
            .AddSingleton(new PredictionLogOptions { WriteEvery = TimeSpan.FromHours(1), EnoughBytes = int.MaxValue }));
        var registry = host.Get<ModelRegistry>();
        for (var version = 1; version <= 3; version++)
        {
            await registry.AddVersionAsync(host.Pipeline.Storage, model);
        }
        await registry.SetAliasAsync(model, ModelAlias.Production, 1, "test", default);
        await host.Get<DefinitionStore>().PutAsync(
            new PipelineDefinition { Model = model, Target = "y", Monitor = new MonitorRules { Sample = 0.5 } }, default);
        var wish = new TrafficWish(new Dictionary<int, int> { [1] = 50, [2] = 50 }, Shadow: 3, "test");
        await host.Get<ModelTraffic>().SplitAsync(model, wish, default);
        var shadows = host.Get<ShadowScorer>();
        await shadows.StartAsync(default);
        await host.StartAsync();

        // The first half before anybody has looked at the definition: the writer thins it out.
        await PredictAsync(host);
        await host.Get<LoggedModels>().ShareAsync(model, default);
        await PredictAsync(host);
        await Eventually.IsTrueAsync(() => host.Log.Queue.Count >= 8, () => $"{host.Log.Queue.Count} requests wait");
        await shadows.StopAsync(default);
        await host.StopAsync();

        var rows = (await LoggedPredictions.ReadAsync(host.Get<PipelineStorage>(), model)).SelectMany(blob => blob.Value)
            .Select(line => JsonDocument.Parse(line).RootElement).ToList();
        var keyed = rows.Where(row => row.TryGetProperty("key", out _)).ToLookup(row => row.GetProperty("key").GetString()!);
        keyed.Count.Should().BeInRange(60, 140, "of 200 keys half");
        keyed.Should().OnlyContain(same => same.Count() == 4, "twice asked, and twice the shadow");
        keyed.Select(same => same.Key).Should().OnlyContain(key => RowSample.Keeps(0.5, key, ""));
        var others = rows.Where(row => !row.TryGetProperty("key", out _)).ToLookup(row => row.GetProperty("id").GetString()!);
        others.Count.Should().BeInRange(120, 280, "of 400 ids half");
        others.Should().OnlyContain(same => same.Count() == 2 && RowSample.Keeps(0.5, null, same.Key));
        host.Log.Dropped.Should().Be(0, "what is not in the sample is not lost");
        host.Log.Waiting.Should().Be(0);
    }

    [Fact]
    public void Lines_are_thinned_as_rows_are()
    {
        var lines = Enumerable.Range(0, 50).Select(i => LoggedHours.Line(model, i, i % 2 == 0 ? $"ö-{i}" : null, """{"key":"ann","id":"x"}""")).ToList();

        var kept = RowSample.Thin(new LoggedLines(model, default, 50, Encoding.UTF8.GetBytes(string.Concat(lines)), 1), 0.5);

        var expected = lines.Where(line => JsonDocument.Parse(line).RootElement is var row
            && RowSample.Keeps(0.5, row.TryGetProperty("key", out var key) ? key.GetString() : null, row.GetProperty("id").GetString()!)).ToList();
        Encoding.UTF8.GetString(kept.Lines).Should().Be(string.Concat(expected));
        kept.Rows.Should().Be(expected.Count).And.BeInRange(10, 40);
    }

    private async Task PredictAsync(MonitorHost host)
    {
        using var body = JsonDocument.Parse($"[{string.Join(',', Enumerable.Range(0, 200).Select(i => $$"""{"a":{{i}}}"""))}]");
        JsonElement[] rows = [.. body.RootElement.EnumerateArray()];
        await host.Get<PredictionService>().PredictAsync(model, rows, Wanted.Nothing, [.. rows.Select((_, i) => $"customer-{i}")], default);
        await host.Get<PredictionService>().PredictAsync(model, rows, Wanted.Nothing, keys: null, default);
    }
}
