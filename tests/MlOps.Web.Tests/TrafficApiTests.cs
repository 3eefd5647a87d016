using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Testing;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class TrafficApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    private const int Callers = 32;

    [Fact]
    public async Task A_split_is_set_shown_followed_and_ended()
    {
        await AddVersionsAsync(2);

        var set = await Client.PutJsonAsync($"/models/{Model}/traffic", """{"weights": {"1": 50, "2": 50}, "reason": "first look"}""")
            .ShouldBeAsync(HttpStatusCode.OK);

        ((int)set["production"]!, (int)set["weights"]!["1"]!, (int)set["weights"]!["2"]!, (string)set["reason"]!).Should().Be((1, 50, 50, "first look"));
        (await Client.GetAsync($"/models/{Model}/traffic").ShouldBeAsync(HttpStatusCode.OK)).ToJsonString().Should().Be(set.ToJsonString());
        await Eventually.IsTrueAsync(async () => (string)(await PredictAsync())["variant"]! == "challenger");
        var rows = await PredictKeysAsync(Enumerable.Range(0, 20).Select(i => $"\"customer-{i}\""));
        rows["version"].Should().BeNull();
        rows["versions"]!.AsArray().Select(version => (int)version!).Should().Contain([1, 2]);
        rows["variants"]!.AsArray().Select(variant => (string)variant!).Should().Contain(["production", "challenger"]);
        rows["ids"]!.AsArray().Select(id => (string)id!).Should().OnlyHaveUniqueItems();

        var ended = await Client.DeleteAsync($"/models/{Model}/traffic").ShouldBeAsync(HttpStatusCode.OK);
        ended["weights"]!.ToJsonString().Should().Be("""{"1":100}""");
    }

    [Theory]
    [InlineData("""{"weights": {"1": 50, "2": 40}}""", "come to 90")]
    [InlineData("""{"weights": {"1": 50, "x": 50}}""", "weights.x must be a version's number")]
    [InlineData("""{"weights": {"1": 50, "2": 50.5}}""", "weights.2 must be a whole number")]
    [InlineData("""{"weights": [50, 50]}""", "weights must be an object")]
    [InlineData("""{"weights": {"1": 100}, "shadow": 7}""", "no version 7")]
    [InlineData("""{}""", "weights is missing")]
    [InlineData("""{"weight": {"1": 100}}""", "weight")]
    public async Task What_cannot_be_is_refused_with_what_to_do(string body, string why)
    {
        await AddVersionsAsync(2);

        (await Client.PutJsonAsync($"/models/{Model}/traffic", body).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain(why);
        await Client.PutJsonAsync("/models/no-such-model/traffic", """{"shadow": 1}""").ShouldFailAsync(HttpStatusCode.NotFound);
        (await Client.PutJsonAsync($"/models/{Model}/aliases/traffic", """{"version": 1}""").ShouldFailAsync(HttpStatusCode.BadRequest))
            .Should().Contain("/traffic");
    }

    /// <summary>Every answer comes from a version that was in production between a moment before it was asked for and its end.</summary>
    [Fact]
    public async Task Many_callers_are_answered_while_a_version_is_promoted_every_second()
    {
        await AddVersionsAsync(5);
        var (live, answers) = (new ConcurrentQueue<(DateTimeOffset At, int Version)>([(DateTimeOffset.MinValue, 1)]), new ConcurrentQueue<Answer>());
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(TestSize.Swaps));
        var callers = Enumerable.Range(0, Callers).Select(_ => Task.Run(() => AskUntilAsync(answers, stop.Token))).ToList();

        for (var version = 2; !stop.IsCancellationRequested; version = (version % 5) + 1)
        {
            live.Enqueue((DateTimeOffset.UtcNow, version));
            await Client.PutJsonAsync($"/models/{Model}/aliases/production", $$"""{"version": {{version}}}""").ShouldBeAsync(HttpStatusCode.OK);
            await Task.Delay(TimeSpan.FromSeconds(1), stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        }
        await Task.WhenAll(callers);

        answers.Should().OnlyContain(answer => answer.Status == HttpStatusCode.OK);
        answers.Should().OnlyContain(answer => answer.Predicted == answer.Version);
        answers.Select(answer => answer.Version).Distinct().Should().HaveCountGreaterThan(1);
        // A version is followed within a second of the first that asks, and the machine may be slow to load it.
        var spans = live.Zip(live.Skip(1).Select(next => next.At).Append(DateTimeOffset.MaxValue)).ToList();
        answers.Where(answer => !spans.Exists(span =>
            span.First.Version == answer.Version && span.First.At <= answer.Ended && span.Second >= answer.Began - TimeSpan.FromSeconds(5))).Should().BeEmpty();
    }

    private async Task AskUntilAsync(ConcurrentQueue<Answer> answers, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var began = DateTimeOffset.UtcNow;
            using var response = await Client.PostJsonAsync("/predict", $$$"""{"model": "{{{Model}}}", "features": {"a": 1}}""");
            var body = JsonNode.Parse(await response.Content.ReadAsStringAsync(CancellationToken.None))!;
            answers.Enqueue(new Answer(
                began, DateTimeOffset.UtcNow, response.StatusCode, (int?)body["version"] ?? 0, (int?)body["prediction"] ?? -1));
            // Many callers at once are what matters, not how many requests a machine can take.
            await Task.Delay(TimeSpan.FromMilliseconds(10), CancellationToken.None);
        }
    }

    /// <summary>Versions 1 to so many, the first in production.</summary>
    private async Task AddVersionsAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var version = await Registry.AddVersionAsync(Model);
            var inputs = new[] { new SignatureColumn("a", ColumnKind.Numeric) };
            await Host.Storage.Artifacts.UploadBlobAsync(
                $"{version.ModelBlobs}/signature.json",
                BinaryData.FromString(Json.Write(new Signature(inputs, inputs, new SignatureColumn("y", ColumnKind.Numeric)))));
        }
        await Registry.SetAliasAsync(Model, ModelAlias.Production, 1, "test", default);
    }

    private async Task<JsonNode> PredictAsync() =>
        await Client.PostJsonAsync("/predict", $$$"""{"model": "{{{Model}}}", "features": {"a": 1}}""").ShouldBeAsync(HttpStatusCode.OK);

    private async Task<JsonNode> PredictKeysAsync(IEnumerable<string> keys)
    {
        var named = keys.ToList();
        var rows = string.Join(',', named.Select(_ => """{"a": 1}"""));
        return await Client.PostJsonAsync("/predict", $$"""{"model": "{{Model}}", "rows": [{{rows}}], "keys": [{{string.Join(',', named)}}]}""")
            .ShouldBeAsync(HttpStatusCode.OK);
    }

    private sealed record Answer(DateTimeOffset Began, DateTimeOffset Ended, HttpStatusCode Status, int Version, int Predicted);
}
