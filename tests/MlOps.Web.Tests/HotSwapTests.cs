using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Registry;
using MlOps.Testing;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class HotSwapTests(AzuriteFixture azurite) : WebTests(azurite)
{
    private const int Callers = 4;
    private const int Swaps = 4;

    [Fact]
    public async Task Under_load_a_promotion_and_a_rollback_are_followed_without_a_failed_request()
    {
        Host.Scorers.BeforeLoaded = _ => Task.Delay(30);
        await Registry.AddProductionAsync(Model);
        await Registry.AddVersionAsync(Model);
        var answers = new ConcurrentQueue<Answer>();
        using var stop = new CancellationTokenSource();
        var callers = Enumerable.Range(0, Callers).Select(_ => Task.Run(() => AskUntilAsync(answers, stop.Token))).ToList();

        for (var swap = 0; swap < Swaps; swap++)
        {
            await Client.PutJsonAsync($"/models/{Model}/aliases/{ModelAlias.Production}", """{"version": 2}""").ShouldBeAsync(HttpStatusCode.OK);
            await AnsweredByAsync(2, answers);
            await Client.PostJsonAsync($"/models/{Model}/rollback", """{"from": 2}""").ShouldBeAsync(HttpStatusCode.OK);
            await AnsweredByAsync(1, answers);
        }
        await stop.CancelAsync();
        await Task.WhenAll(callers);

        answers.Should().OnlyContain(answer => answer.Status == HttpStatusCode.OK);
        var versions = answers.Select(answer => JsonNode.Parse(answer.Body)!).ToList();
        versions.Should().OnlyContain(body => (int)body["prediction"]! == (int)body["version"]!, "the version named is the version that predicted");
        versions.Select(body => (int)body["version"]!).Distinct().Should().BeEquivalentTo([1, 2]);
        Host.Scorers.Loads.Should().HaveCount(1 + (2 * Swaps), "each swap loads once, however many ask");
    }

    private async Task AskUntilAsync(ConcurrentQueue<Answer> answers, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var asked = Stopwatch.GetTimestamp();
            using var response = await Client.PostJsonAsync("/predict", $"{{\"model\": \"{Model}\", \"features\": {{}}}}");
            answers.Enqueue(new Answer(asked, response.StatusCode, await response.Content.ReadAsStringAsync(CancellationToken.None)));
        }
    }

    /// <summary>Waits until the version answers what is asked from now on; what was asked before, and is answered late, tells of earlier ones.</summary>
    private static async Task AnsweredByAsync(int version, ConcurrentQueue<Answer> answers)
    {
        var now = Stopwatch.GetTimestamp();
        await Eventually.IsTrueAsync(
            () => answers.Any(answer => answer.Asked > now && answer.Body.Contains($"\"version\":{version}", StringComparison.Ordinal)));
    }

    private sealed record Answer(long Asked, HttpStatusCode Status, string Body);
}
