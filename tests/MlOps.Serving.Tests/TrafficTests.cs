using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Predictions;
using MlOps.Testing;

namespace MlOps.Serving.Tests;

/// <summary>Several versions answer one model's requests.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class TrafficTests : IAsyncLifetime
{
    private const int Asked = 400;

    private static readonly JsonElement Row = JsonDocument.Parse("""{"a": 1}""").RootElement;

    private readonly ManualTime time = new();
    private readonly FakeScorers scorers = new();
    private readonly PipelineHost host;
    private readonly PredictionService service;
    private readonly ModelRegistry registry;
    private readonly ModelTraffic traffic;
    private readonly string model = AzuriteFixture.UniqueModel();

    public TrafficTests(AzuriteFixture azurite)
    {
        host = new PipelineHost(
            azurite, services => services.AddSingleton<TimeProvider>(time).AddSingleton<IScorerLoader>(scorers).AddMlOpsServing().AddPredictionLog());
        (service, registry, traffic) = (host.Get<PredictionService>(), host.Get<ModelRegistry>(), host.Get<ModelTraffic>());
    }

    /// <summary>Version 1 in production, 2 and 3 beside it; version 4 reads other columns.</summary>
    public async Task InitializeAsync()
    {
        foreach (var columns in new[] { Array.Empty<string>(), [], [], ["a", "c"] })
        {
            await registry.AddVersionAsync(host.Storage, model, columns);
        }
        await registry.SetAliasAsync(model, ModelAlias.Production, 1, "test", default);
    }

    [Fact]
    public async Task Requests_are_shared_out_by_weight_and_the_answer_says_who_gave_it()
    {
        await SplitAsync((1, 60), (2, 30), (3, 10));

        var answers = new List<PredictionResult.Predicted>();
        for (var i = 0; i < Asked; i++)
        {
            answers.Add(await PredictAsync());
        }

        // Four standard deviations of a binomial count are 0.1 of 400.
        answers.Count(answer => answer.Version == 1).Should().BeInRange((int)(0.5 * Asked), (int)(0.7 * Asked));
        answers.Count(answer => answer.Version == 2).Should().BeInRange((int)(0.2 * Asked), (int)(0.4 * Asked));
        answers.Count(answer => answer.Version == 3).Should().BeInRange(1, (int)(0.2 * Asked));
        answers.Should().OnlyContain(answer => answer.Predictions[0].Score == answer.Version);
        answers.Should().OnlyContain(answer => answer.Variant == (answer.Version == 1 ? "production" : "challenger"));
        answers.Select(answer => answer.Id).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task A_key_stays_with_its_version_while_the_share_grows_and_on_every_host()
    {
        var keys = Enumerable.Range(0, Asked).Select(i => $"customer-{i}").ToList();
        await SplitAsync((1, 90), (2, 10));
        var few = await VersionsOfAsync(keys);
        await SplitAsync((1, 50), (2, 50));

        var many = await VersionsOfAsync(keys);

        few.Count(version => version == 2).Should().BeInRange((int)(0.04 * Asked), (int)(0.16 * Asked));
        many.Count(version => version == 2).Should().BeInRange((int)(0.4 * Asked), (int)(0.6 * Asked));
        few.Zip(many).Should().OnlyContain(pair => pair.First == 1 || pair.Second == 2, "who had the challenger keeps it");
        (await VersionsOfAsync(keys)).Should().Equal(many);
        // What a key falls into must never change: other hosts, and later releases, are to agree.
        (TrafficSplit.BucketOf("customer-1"), TrafficSplit.BucketOf("größer")).Should().Be((8956, 2646));
    }

    [Fact]
    public async Task Rows_of_a_batch_go_to_the_versions_of_their_keys_and_come_back_in_order()
    {
        var keys = Enumerable.Range(0, 50).Select(i => (string?)$"customer-{i}").ToList();
        await SplitAsync((1, 50), (2, 50));
        await PredictAsync();

        var joined = (PredictionResult.Predicted)await service.PredictAsync(model, [.. keys.Select(_ => Row)], new Wanted(Interval: 0.9), keys, default);

        var alone = new List<int>();
        foreach (var key in keys)
        {
            alone.Add((await PredictAsync(key)).Version);
        }
        joined.Rows!.Select(row => row.Version).Should().Equal(alone).And.Contain([1, 2]);
        joined.Predictions.Select(prediction => (int)prediction.Score).Should().Equal(alone);
        joined.Ranges!.Intervals!.Select(interval => (int)Math.Round(interval.High - 0.9)).Should().Equal(alone);
        joined.Ids.Should().OnlyHaveUniqueItems().And.HaveCount(50);
        await service.Awaiting(s => s.PredictAsync(model, [.. keys.Select(_ => Row)], new Wanted(ExplainKind.Prediction), keys, default))
            .Should().ThrowAsync<InputException>().WithMessage("*traffic is split*");
    }

    [Fact]
    public async Task What_a_challenger_cannot_answer_production_does()
    {
        await SplitAsync((1, 50), (2, 50));
        scorers.Fails = version => version == 2;

        for (var i = 0; i < 50; i++)
        {
            (await PredictAsync()).Version.Should().Be(1);
        }

        var failed = Logged().Where(line => line.TryGetProperty("failed", out _)).ToList();
        failed.Should().NotBeEmpty().And.OnlyContain(
            line => line.GetProperty("variant").GetString() == "challenger" && line.GetProperty("prediction").ValueKind == JsonValueKind.Null);
        // A row that is wrong is the caller's fault, whoever was asked.
        var wrong = JsonDocument.Parse("""{"wrong": 1}""").RootElement;
        await service.Awaiting(s => s.PredictAsync(model, [wrong], default)).Should().ThrowAsync<InputException>();
    }

    [Fact]
    public async Task A_challenger_that_cannot_be_loaded_leaves_its_share_to_production()
    {
        scorers.BeforeLoaded = version => version.Version == 2 ? throw new InvalidDataException("damaged") : Task.CompletedTask;
        await SplitAsync((1, 50), (2, 50));

        for (var i = 0; i < 20; i++)
        {
            (await PredictAsync()).Should().BeEquivalentTo(new { Version = 1, Variant = "production" });
        }
    }

    [Fact]
    public async Task A_shadow_is_asked_too_and_only_the_log_has_its_answers()
    {
        await traffic.SplitAsync(model, new TrafficWish(new Dictionary<int, int>(), Shadow: 3, "test"), default);
        var shadows = host.Get<ShadowScorer>();
        await shadows.StartAsync(default);

        var answer = await PredictAsync("ann");

        (answer.Version, answer.Variant, answer.Predictions[0].Score).Should().Be((1, "production", 1));
        var lines = new List<JsonElement>();
        await Eventually.IsTrueAsync(() =>
        {
            lines.AddRange(Logged());
            return lines.Count == 2;
        });
        await shadows.StopAsync(default);
        lines.Select(line => (line.GetProperty("version").GetInt32(), line.GetProperty("variant").GetString(), line.GetProperty("prediction").GetDouble(),
                line.GetProperty("id").GetString(), line.GetProperty("key").GetString()))
            .Should().BeEquivalentTo([(1, "production", 1.0, answer.Id, "ann"), (3, "shadow", 3.0, answer.Id, "ann")]);
    }

    [Fact]
    public async Task A_shadow_that_is_too_slow_costs_rows_of_its_own_and_no_answer()
    {
        await traffic.SplitAsync(model, new TrafficWish(new Dictionary<int, int>(), Shadow: 3, "test"), default);
        await PredictAsync();

        // Nobody takes from the queue: what does not fit is left out.
        for (var i = 0; i < 1_100; i++)
        {
            (await PredictAsync()).Version.Should().Be(1);
        }

        host.Get<ShadowScorer>().Dropped.Should().Be(101);
    }

    [Theory]
    [InlineData("1=90 2=20", "come to 110")]
    [InlineData("2=100", "Version 1 is in production and has no share")]
    [InlineData("1=50 9=50", "no version 9")]
    [InlineData("1=50 4=50", "Version 4 reads column 'c'")]
    [InlineData("1=150 2=-50", "0 to 100 each")]
    [InlineData("1=50 2=50 shadow=2", "answers requests itself")]
    public async Task A_split_that_would_fail_requests_is_refused(string shares, string why)
    {
        var given = shares.Split(' ').Select(share => share.Split('=')).ToList();
        var percents = given.Where(share => share[0] != "shadow").ToDictionary(share => int.Parse(share[0]), share => int.Parse(share[1]));
        var shadow = given.SingleOrDefault(share => share[0] == "shadow") is { } named ? int.Parse(named[1]) : (int?)null;

        var refused = () => traffic.SplitAsync(model, new TrafficWish(percents, shadow, "test"), default);

        (await refused.Should().ThrowAsync<InputException>()).Which.Message.Should().Contain(why);
        (await registry.FindAsync(model, default))!.Traffic.Should().BeNull();
    }

    [Fact]
    public async Task A_split_is_over_when_production_moves_and_when_somebody_ends_it()
    {
        await SplitAsync((1, 50), (2, 50));
        (await traffic.ListAsync(default)).Should().Contain(split => split.Model == model);
        await registry.SetAliasAsync(model, ModelAlias.Production, 3, "test", default);
        (await registry.FindAsync(model, default))!.Traffic.Should().BeNull();
        await Eventually.IsTrueAsync(async () => (await LaterAsync()).Version == 3);

        await SplitAsync((3, 50), (2, 50));
        await registry.RollbackAsync(model, from: 3, default);
        (await registry.FindAsync(model, default))!.Traffic.Should().BeNull();

        await SplitAsync((1, 1), (2, 99));
        await Eventually.IsTrueAsync(async () => (await LaterAsync()).Version == 2);
        await traffic.EndAsync(model, split: null, default);
        await Eventually.IsTrueAsync(async () => (await LaterAsync()).Version == 1);
        (await traffic.ListAsync(default)).Should().NotContain(split => split.Model == model);
    }

    [Fact]
    public async Task A_version_that_answers_cannot_be_deleted()
    {
        await registry.SetAliasAsync(model, ModelAlias.Candidate, 4, "test", default);
        await SplitAsync((1, 50), (2, 50));

        var refused = await host.Get<ModelDeletion>().DeleteVersionAsync(model, 2, default);

        refused.Refusal.Should().Contain("answers requests").And.Contain("DELETE");
        await traffic.EndAsync(model, split: null, default);
        (await host.Get<ModelDeletion>().DeleteVersionAsync(model, 2, default)).Should().Be(DeletionResult.Done);
    }

    public async Task DisposeAsync() => await host.DisposeAsync();

    /// <summary>What waits to be written, which nobody writes here.</summary>
    private List<JsonElement> Logged()
    {
        var lines = new List<JsonElement>();
        while (host.Get<PredictionLog>().Queue.TryRead(out var logged))
        {
            lines.AddRange(Encoding.UTF8.GetString(logged.Lines).TrimEnd('\n').Split('\n').Select(line => JsonDocument.Parse(line).RootElement));
        }
        return lines;
    }

    private async Task SplitAsync(params (int Version, int Percent)[] shares)
    {
        await traffic.SplitAsync(model, new TrafficWish(shares.ToDictionary(share => share.Version, share => share.Percent), null, "test"), default);
        // The first request after a quiet time waits for what is new.
        time.Advance(TimeSpan.FromSeconds(20));
        await PredictAsync();
    }

    private async Task<PredictionResult.Predicted> LaterAsync()
    {
        time.Advance(TimeSpan.FromSeconds(1));
        return await PredictAsync();
    }

    private async Task<List<int>> VersionsOfAsync(IReadOnlyList<string> keys)
    {
        var versions = new List<int>();
        foreach (var key in keys)
        {
            versions.Add((await PredictAsync(key)).Version);
        }
        return versions;
    }

    private async Task<PredictionResult.Predicted> PredictAsync(string? key = null) =>
        (await service.PredictAsync(model, [Row], Wanted.Nothing, key is null ? null : [key], default)).Should().BeOfType<PredictionResult.Predicted>().Subject;
}
