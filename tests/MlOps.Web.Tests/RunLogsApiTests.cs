using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;
using AngleSharp.Html.Parser;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;
using MlOps.Web.Answers;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class RunLogsApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Fact]
    public async Task A_log_is_read_from_the_byte_on_that_the_part_before_has_named()
    {
        var run = await AddRunAsync(RunState.Running);
        await SayAsync(run, "train", "first");
        using var first = await Client.GetAsync($"/runs/{run.RunId}/stages/train/log");
        await SayAsync(run, "train", "second of Zürich");
        using var second = await Client.GetAsync($"/runs/{run.RunId}/stages/train/log?from={NextOf(first)}");
        using var third = await Client.GetAsync($"/runs/{run.RunId}/stages/train/log?from={NextOf(second)}");

        first.Content.Headers.ContentType!.ToString().Should().Be("text/plain; charset=utf-8");
        (await first.Content.ReadAsStringAsync()).Should().MatchRegex(@"\A\S+Z INFO  first\n\z");
        (await second.Content.ReadAsStringAsync()).Should().MatchRegex(@"\A\S+Z INFO  second of Zürich\n\z");
        (await third.Content.ReadAsStringAsync()).Should().BeEmpty();
        NextOf(third).Should().Be(NextOf(second));
    }

    [Fact]
    public async Task A_stage_that_has_not_begun_has_an_empty_log_and_what_is_none_is_refused()
    {
        var run = await AddRunAsync(RunState.Running);

        using var empty = await Client.GetAsync($"/runs/{run.RunId}/stages/explain/log");

        (empty.StatusCode, NextOf(empty), await empty.Content.ReadAsStringAsync()).Should().Be((HttpStatusCode.OK, "0", ""));
        (await Client.GetAsync($"/runs/{run.RunId}/stages/traim/log").ShouldFailAsync(HttpStatusCode.NotFound)).Should().Contain("There is no stage 'traim'");
        (await Client.GetAsync($"/runs/{Model}-20260101000000000-abcdef/stages/train/log").ShouldFailAsync(HttpStatusCode.NotFound)).Should()
            .Contain("There is no run");
        foreach (var from in new[] { "-1", "x", "1e3", "99999999999999999999" })
        {
            (await Client.GetAsync($"/runs/{run.RunId}/stages/train/log?from={from}").ShouldFailAsync(HttpStatusCode.BadRequest)).Should()
                .Contain("must be a number of bytes");
        }
    }

    [Fact]
    public async Task Who_follows_a_run_is_told_of_what_changes_and_of_its_end()
    {
        await using var host = await WebHost.StartAsync(
            Azurite.NewStorage(), services => services.AddSingleton(new WebOptions { WatchEvery = TimeSpan.FromMilliseconds(30) }));
        var run = await AddRunAsync(RunState.Running);
        using var answer = await host.Client.GetAsync($"/runs/{run.RunId}/events", HttpCompletionOption.ResponseHeadersRead);
        var events = SseParser.Create(await answer.Content.ReadAsStreamAsync()).EnumerateAsync().GetAsyncEnumerator();

        var first = await NextAsync();
        await SayAsync(run, "ingest", "first");
        var grown = await NextAsync();
        await Runs.LogStageAsync(run.RunId, new StageStatus("ingest", "", StageState.Succeeded, DateTimeOffset.UtcNow), default);
        var changed = await NextAsync();
        await Runs.MarkEndedAsync(run.RunId, RunState.Failed, "no rows", default);
        var ended = await NextAsync();

        answer.Content.Headers.ContentType!.MediaType.Should().Be("text/event-stream");
        ((string)first["state"]!, (bool)first["hasEnded"]!, first["logs"]!.AsObject().Count).Should().Be(("running", false, 0));
        ((long)grown["logs"]!["ingest"]!).Should().BeGreaterThan(20);
        ((string)changed["state"]!).Should().Be("running");
        ((string)ended["state"]!, (bool)ended["hasEnded"]!).Should().Be(("failed", true));
        (await events.MoveNextAsync()).Should().BeFalse("the stream ends with the run");

        async Task<JsonNode> NextAsync()
        {
            (await events.MoveNextAsync()).Should().BeTrue();
            events.Current.EventType.Should().Be("run");
            return JsonNode.Parse(events.Current.Data)!;
        }
    }

    /// <summary>Kestrel waits for requests that are under way.</summary>
    [Fact]
    public async Task Who_follows_a_run_does_not_hold_up_a_host_that_ends()
    {
        var host = await WebHost.StartAsync(Azurite.NewStorage());
        var run = await AddRunAsync(RunState.Running);
        using var client = new HttpClient { BaseAddress = host.Client.BaseAddress };
        using var answer = await client.GetAsync($"/runs/{run.RunId}/events", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync());
        (await lines.ReadLineAsync()).Should().Be("event: run");

        await host.DisposeAsync();

        (await lines.ReadToEndAsync()).Should().Contain("\"running\"", "the stream came to an orderly end");
    }

    [Fact]
    public async Task A_host_without_events_says_what_to_do_instead()
    {
        await using var host = await WebHost.StartAsync(
            Azurite.NewStorage(), services => services.AddSingleton(new WebOptions { HasEvents = false }));
        var run = await AddRunAsync(RunState.Running);

        (await host.Client.GetAsync($"/runs/{run.RunId}/events").ShouldFailAsync(HttpStatusCode.NotImplemented)).Should()
            .Contain($"Ask GET /runs/{run.RunId} every second or so instead");
    }

    /// <summary>A browser tells its user of every request that fails.</summary>
    [Fact]
    public async Task A_runs_page_of_a_host_without_events_looks_by_itself_and_asks_for_none()
    {
        await using var host = await WebHost.StartAsync(
            Azurite.NewStorage(), services => services.AddSingleton(new WebOptions { HasEvents = false }));
        var run = await AddRunAsync(RunState.Running);

        var page = new HtmlParser().ParseDocument(await host.Client.GetStringAsync($"/dashboard/runs/{run.RunId}")).QuerySelector("main")!;

        page.HasAttribute("data-events").Should().BeFalse();
        page.GetAttribute("data-live").Should().Be("1000");
    }

    [Fact]
    public async Task A_runs_page_shows_the_log_of_the_stage_that_tells_most_or_of_the_one_asked_for()
    {
        var run = await AddRunAsync(RunState.Running);
        await Runs.LogStageAsync(run.RunId, new StageStatus("ingest", "", StageState.Succeeded, DateTimeOffset.UtcNow.AddSeconds(-2)), default);
        await Runs.LogStageAsync(run.RunId, new StageStatus("clean", "", StageState.Running, DateTimeOffset.UtcNow.AddSeconds(-1)), default);
        await SayAsync(run, "ingest", "of ingest");
        await SayAsync(run, "clean", "of <b>clean</b>");

        var page = await PageAsync("");
        var chosen = await PageAsync("?stage=ingest");

        page.QuerySelector("pre.log")!.TextContent.Should().EndWith("of <b>clean</b>\n");
        page.QuerySelectorAll("#log nav a").Select(link => link.TextContent).Should().Equal("ingest", "clean");
        page.QuerySelector("#log nav a[aria-current]")!.TextContent.Should().Be("clean");
        page.QuerySelector("main")!.GetAttribute("data-events").Should().Be($"/runs/{run.RunId}/events");
        chosen.QuerySelector("pre.log")!.TextContent.Should().EndWith("of ingest\n");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/dashboard/runs/{run.RunId}?format=json");
        ((string)(await Client.SendAsync(request).ShouldBeAsync(HttpStatusCode.OK))["log"]!["part"]!["stage"]!).Should().Be("clean");

        async Task<AngleSharp.Html.Dom.IHtmlDocument> PageAsync(string query) =>
            new HtmlParser().ParseDocument(await Client.GetStringAsync($"/dashboard/runs/{run.RunId}{query}"));
    }

    private async Task SayAsync(Run run, string stage, string text)
    {
        await using var log = Host.Get<StageLogs>().Open(run.RunId, stage, "");
        log.Write(LogLevel.Information, text);
    }

    private static string NextOf(HttpResponseMessage answer) => answer.Headers.GetValues("Log-Next").Single();
}
