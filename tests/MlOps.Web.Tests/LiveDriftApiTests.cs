using System.Net;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports.Drift;
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

    private async Task CheckedAsync(DateTimeOffset until, bool drifted)
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
            Report = new DriftReport("run", Model, DriftGate.Warn, 0.5, drifted, []),
        };
        await Host.Get<LiveDriftStore>().TryAddAsync(check, BinaryData.FromString($"<p>{drifted}</p>"), default);
        var marks = Host.Get<LiveDriftMarks>();
        var claim = await marks.TryClaimAsync(Model, TimeSpan.FromHours(1), until, default);
        await marks.ReleaseAsync(claim! with { LookedAt = until, Newest = LiveDriftStore.NameOf(check) }, default);
    }
}
