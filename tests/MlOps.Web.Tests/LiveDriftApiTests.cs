using System.Net;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports.Drift;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Serving;
using MlOps.Serving.Monitoring;
using MlOps.Testing;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class LiveDriftApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    private static readonly DateTimeOffset Until = new(2026, 5, 4, 2, 30, 0, TimeSpan.Zero);

    [Fact]
    public async Task The_newest_check_is_shown_as_json_and_as_a_page()
    {
        await Registry.AddProductionAsync(Model);
        await CheckedAsync(Until, drifted: false);
        await CheckedAsync(Until.AddHours(1), drifted: true);

        var body = await Client.GetAsync($"/models/{Model}/drift").ShouldBeAsync(HttpStatusCode.OK);
        using var page = await Client.GetAsync($"/models/{Model}/drift/page");

        ((string)body["model"]!, (int)body["version"]!, (bool)body["drifted"]!, (string)body["until"]!).Should()
            .Be((Model, 1, true, "2026-05-04T03:30:00+00:00"));
        ((string)body["reasons"]![0]!).Should().Be("drift: a");
        ((double)body["report"]!["driftShare"]!).Should().Be(0.5);
        page.StatusCode.Should().Be(HttpStatusCode.OK);
        page.Content.Headers.ContentType!.ToString().Should().Be("text/html; charset=utf-8");
        (await page.Content.ReadAsStringAsync()).Should().Be("<p>True</p>");
    }

    [Fact]
    public async Task Windows_are_listed_newest_first_and_each_is_shown_by_its_id()
    {
        await Registry.AddProductionAsync(Model);
        await CheckedAsync(Until, drifted: false);
        await CheckedAsync(Until.AddHours(1), drifted: true, [
            new SignalResult(SignalNames.PredictionDrift, SignalVerdict.Warning, "moved") { Value = 0.4, Threshold = 0.1 },
            SignalResult.NotJudged(SignalNames.Performance, "no feedback"),
        ]);
        await CheckedAsync(Until.AddHours(2), drifted: false);

        var first = await Client.GetAsync($"/models/{Model}/monitoring?take=2").ShouldBeAsync(HttpStatusCode.OK);
        var rest = await Client.GetAsync($"/models/{Model}/monitoring?take=2&next={first["next"]}").ShouldBeAsync(HttpStatusCode.OK);

        first["windows"]!.AsArray().Concat(rest["windows"]!.AsArray()).Select(window => (string)window!["until"]!).Should()
            .Equal("2026-05-04T04:30:00+00:00", "2026-05-04T03:30:00+00:00", "2026-05-04T02:30:00+00:00");
        (rest["next"], (string)first["model"]!).Should().Be((null, Model));
        var drifted = first["windows"]![1]!;
        ((string)drifted["id"]!, (double)drifted["signals"]![0]!["value"]!, (string)drifted["signals"]![1]!["verdict"]!).Should()
            .Be(("20260504033000000", 0.4, "notJudged"));
        var did = drifted["traffic"]![1]!;
        ((int)did["version"]!, (string)did["variant"]!, (long)did["rows"]!, (long)did["failed"]!, (double)did["p95Ms"]!).Should()
            .Be((2, "challenger", 60, 7, 3.5));
        var charts = await Client.GetStringAsync($"/dashboard/models/{Model}/monitoring");
        // Rows an hour: those of half an hour count twice.
        charts.Should().Contain("Median latency of a row, ms").And.Contain("95th percentile of the latency, ms")
            .And.Contain("Failed rows of a window").And.MatchRegex("version 2, challenger, 2026-05-04 0[2-4]:30[^<]*: 120<");
        var old = rest["windows"]![0]!["signals"]!.AsArray().Should().ContainSingle("a check of an earlier release knew of one signal").Subject!;
        ((string)old["signal"]!, (string)old["verdict"]!).Should().Be(("featureDrift", "ok"));
        var check = await Client.GetAsync((string)drifted["links"]!["check"]!).ShouldBeAsync(HttpStatusCode.OK);
        ((string)check["until"]!, (string)check["signals"]![0]!["text"]!).Should().Be(("2026-05-04T03:30:00+00:00", "moved"));
        using var page = await Client.GetAsync((string)drifted["links"]!["page"]!);
        (await page.Content.ReadAsStringAsync()).Should().Be("<p>True</p>");
        foreach (var wrong in new[] { "20260504033000001", "yesterday", "..%2Fx%2F20260504033000000" })
        {
            (await Client.GetAsync($"/models/{Model}/drift?window={wrong}").ShouldFailAsync(HttpStatusCode.NotFound)).Should().Contain("/monitoring lists");
            await Client.GetAsync($"/models/{Model}/drift/page?window={wrong}").ShouldFailAsync(HttpStatusCode.NotFound);
        }
        await Client.GetAsync($"/models/{Model}/monitoring?next=x").ShouldFailAsync(HttpStatusCode.BadRequest);
        await Client.GetAsync("/models/no-such-model/monitoring").ShouldFailAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_model_that_was_not_checked_says_when_it_will_be()
    {
        await Registry.AddProductionAsync(Model);

        (await Client.GetAsync($"/models/{Model}/drift").ShouldFailAsync(HttpStatusCode.NotFound)).Should()
            .Contain("not been checked yet").And.Contain("monitor.minRows");
        (await Client.GetAsync($"/models/{Model}/drift/page").ShouldFailAsync(HttpStatusCode.NotFound)).Should().Contain("not been checked yet");
    }

    [Theory]
    [InlineData("no-such-model")]
    [InlineData("NOT%20A%20NAME")]
    public async Task An_unknown_model_is_404(string name)
    {
        (await Client.GetAsync($"/models/{name}/drift").ShouldFailAsync(HttpStatusCode.NotFound)).Should().Contain("GET /models");
        await Client.GetAsync($"/models/{name}/drift/page").ShouldFailAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_check_that_has_been_deleted_since_is_404()
    {
        await Registry.AddProductionAsync(Model);
        await CheckedAsync(Until, drifted: true);
        await foreach (var blob in Host.Storage.Artifacts.GetBlobsAsync(default, default, $"live-drift/{Model}/", CancellationToken.None))
        {
            await Host.Storage.Artifacts.DeleteBlobAsync(blob.Name);
        }

        await Client.GetAsync($"/models/{Model}/drift").ShouldFailAsync(HttpStatusCode.NotFound);
        await Client.GetAsync($"/models/{Model}/drift/page").ShouldFailAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Rows_that_were_predicted_over_http_are_kept_as_they_were_sent()
    {
        await Host.Get<DefinitionStore>().PutAsync(new PipelineDefinition { Model = Model, Target = "y" }, default);
        await Registry.AddProductionAsync(Model);
        await using (var host = await WebHost.StartAsync(Azurite.NewStorage(), services => services.AddPredictionLog()))
        {
            await host.Client.PostJsonAsync("/predict", $$"""{"model": "{{Model}}", "rows": [{"a": 1.0}, {"a": null}]}""").ShouldBeAsync(HttpStatusCode.OK);
            await host.Client.PostJsonAsync("/predict", $$$"""{"model": "{{{Model}}}", "features": {"a": "x"}}""").ShouldBeAsync(HttpStatusCode.OK);
            await host.Client.PostJsonAsync("/predict", $$$"""{"model": "{{{Model}}}", "features": {"wrong": 1}}""").ShouldFailAsync(HttpStatusCode.BadRequest);
        }

        var lines = new List<string>();
        await foreach (var blob in Host.Storage.Predictions.GetBlobsAsync(default, default, Model + "/", CancellationToken.None))
        {
            lines.AddRange((await Host.Storage.Predictions.GetBlobClient(blob.Name).DownloadContentAsync()).Value.Content.ToString().TrimEnd('\n').Split('\n'));
        }
        lines.Select(line => line[line.IndexOf("\"features\"", StringComparison.Ordinal)..]).Should().Equal("""
            "features":{"a": 1.0}}
            """, """
            "features":{"a": null}}
            """, """
            "features":{"a": "x"}}
            """);
    }

    private async Task CheckedAsync(DateTimeOffset until, bool drifted, IReadOnlyList<SignalResult>? signals = null)
    {
        var check = new LiveDriftCheck
        {
            Model = Model,
            Version = 1,
            From = until.AddHours(-1),
            Until = until,
            Rows = 500,
            Drifted = drifted,
            Reasons = drifted ? ["drift: a"] : [],
            Told = [],
            Signals = signals ?? [],
            Traffic = [new VersionTraffic(1, Variants.Production, 450, 0, 0.8, 2.5), new VersionTraffic(2, Variants.Challenger, 60, 7, 1.1, 3.5)],
            TrafficFrom = until.AddMinutes(-30),
            Report = new DriftReport("run", Model, DriftGate.Warn, 0.5, drifted, []),
        };
        await Host.Get<LiveDriftStore>().TryAddAsync(check, BinaryData.FromString($"<p>{drifted}</p>"), default);
        var marks = Host.Get<LiveDriftMarks>();
        var claim = await marks.TryClaimAsync(Model, TimeSpan.FromHours(1), until, default);
        await marks.ReleaseAsync(claim! with { LookedAt = until, Newest = LiveDriftStore.NameOf(check) }, default);
    }
}
