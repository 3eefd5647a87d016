using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class RunsApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Fact]
    public async Task A_queued_run_shows_every_stage_as_pending_in_the_pipelines_order()
    {
        var run = await AddRunAsync(RunState.Queued);

        var body = await GetAsync(run);

        Stages(body).Should().Equal(
            "ingest  pending", "clean  pending", "features  pending", "split  pending", "train 0-lightgbm pending", "train 1-sdca pending",
            "validate  pending", "drift  pending", "promote  pending", "explain  pending", "model-card  pending", "finish  pending");
    }

    [Fact]
    public async Task A_running_run_shows_what_its_stages_did_and_what_is_still_to_come()
    {
        var run = await AddRunAsync(RunState.Running);
        var at = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        await Runs.LogStageAsync(run.RunId, new StageStatus("train", "1-sdca", StageState.Running, at.AddSeconds(3), Attempts: 2), default);
        await Runs.LogStageAsync(run.RunId, new StageStatus("train", "0-lightgbm", StageState.Failed, at.AddSeconds(3), Error: "no rows"), default);
        await Runs.LogStageAsync(
            run.RunId,
            new StageStatus("ingest", "", StageState.Succeeded, at, at.AddSeconds(1.5), 1.5, 1000, 1, Warnings: [new Warning(null, "odd")]), default);
        await Runs.LogStageAsync(run.RunId, new StageStatus("clean", "", StageState.Reused, at.AddSeconds(2), at.AddSeconds(2), 0.1, 990, 1), default);
        await Runs.LogParamsAsync(run.RunId, new Dictionary<string, string> { ["trees"] = "100" }, default);
        await Runs.LogMetricsAsync(run.RunId, new Dictionary<string, double> { ["val_rmse"] = 1.25, ["val_r2"] = double.NaN }, default);

        var body = await GetAsync(run);

        Stages(body).Should().Equal(
            "ingest  succeeded", "clean  reused", "features  pending", "split  pending", "train 0-lightgbm failed", "train 1-sdca running",
            "validate  pending", "drift  pending", "promote  pending", "explain  pending", "model-card  pending", "finish  pending");
        body["stages"]![0]!.ToJsonString(HttpAssertions.Relaxed).Should().Be(
            """
            {"stage":"ingest","key":"","state":"succeeded","started":"2026-01-02T03:04:05+00:00","ended":"2026-01-02T03:04:06.5+00:00",
            "seconds":1.5,"rows":1000,"attempts":1,"warnings":[{"text":"odd"}]}
            """.ReplaceLineEndings(""));
        ((string)body["stages"]![4]!["error"]!).Should().Be("no rows");
        body["params"]!.ToJsonString().Should().Be("""{"trees":"100"}""");
        body["metrics"]!.ToJsonString().Should().Be("""{"val_r2":"NaN","val_rmse":1.25}""");
        body["links"]!.ToJsonString().Should().Be($$"""{"self":"/runs/{{run.RunId}}","cancel":"/runs/{{run.RunId}}/cancel"}""");
    }

    [Fact]
    public async Task A_run_that_has_ended_shows_how_and_skips_what_it_never_reached()
    {
        var run = await AddRunAsync(RunState.Running);
        await Runs.LogStageAsync(run.RunId, new StageStatus("ingest", "", StageState.Failed, DateTimeOffset.UtcNow, Error: "a.csv is empty"), default);
        await Runs.UpdateAsync(
            run.RunId, r => r with { State = RunState.Failed, Started = r.Created, Ended = r.Created.AddSeconds(9), Error = "a.csv is empty" }, default);

        var body = await GetAsync(run);

        ((string)body["state"]!).Should().Be("failed");
        ((string)body["error"]!).Should().Be("a.csv is empty");
        ((bool)body["promoted"]!).Should().BeFalse();
        Stages(body).Should().StartWith(["ingest  failed", "clean  skipped"]);
        ((string)body["links"]!["retry"]!).Should().Be($"/runs/{run.RunId}/retry");
    }

    [Fact]
    public async Task A_run_with_approval_shows_that_stage_and_how_to_decide()
    {
        var run = await AddRunAsync(RunState.Waiting, new GateRules { Approval = new ApprovalRule(Required: true) });

        var body = await GetAsync(run);

        Stages(body).Should().ContainInOrder("validate  pending", "drift  pending", "await-approval  pending", "promote  pending");
        ((string)body["links"]!["approve"]!).Should().Be($"/runs/{run.RunId}/approve");
        ((string)body["links"]!["reject"]!).Should().Be($"/runs/{run.RunId}/reject");
    }

    [Fact]
    public async Task A_run_that_only_ingests_shows_no_stage_it_will_never_come_to_and_what_it_came_to()
    {
        var run = await AddRunAsync(RunState.Queued);
        await Runs.UpdateAsync(run.RunId, r => r with { Goal = RunGoal.Dataset }, default);
        Stages(await GetAsync(run)).Should().Equal("ingest  pending", "finish  pending");
        await Runs.UpdateAsync(
            run.RunId, r => r with { State = RunState.Succeeded, Dataset = "657efcf842f1c0d2a5d6ffb235a1b539", Ended = r.Created.AddSeconds(9) }, default);

        var body = await GetAsync(run);

        ((string)body["state"]!, (string)body["goal"]!, (string)body["dataset"]!).Should().Be(("succeeded", "dataset", "657efcf842f1c0d2a5d6ffb235a1b539"));
        body["blockedBy"]!.AsArray().Should().BeEmpty();
    }

    [Fact]
    public async Task A_run_whose_definition_is_gone_is_still_shown()
    {
        var run = await AddRunAsync(RunState.Succeeded);
        await Runs.LogStageAsync(run.RunId, new StageStatus("train", "0-lightgbm", StageState.Succeeded, DateTimeOffset.UtcNow), default);
        await Host.Storage.Definitions.GetBlobClient($"snapshots/{run.DefinitionId}.json").DeleteAsync();

        Stages(await GetAsync(run)).Should().Contain("train 0-lightgbm succeeded");
    }

    [Fact]
    public async Task Runs_are_listed_newest_first_of_one_model_and_no_more_than_asked()
    {
        var first = await AddRunAsync(RunState.Failed);
        var second = await AddRunAsync(RunState.Queued);

        var all = await Client.GetAsync($"/runs?model={Model}").ShouldBeAsync(HttpStatusCode.OK);
        var one = await Client.GetAsync($"/runs?model={Model}&take=1").ShouldBeAsync(HttpStatusCode.OK);
        var any = await Client.GetAsync("/runs?take=1000").ShouldBeAsync(HttpStatusCode.OK);

        Ids(all).Should().Equal(second.RunId, first.RunId);
        Ids(one).Should().Equal(second.RunId);
        Ids(await Client.GetAsync($"/runs?model={Model}&take=1&next={one["next"]}").ShouldBeAsync(HttpStatusCode.OK)).Should().Equal(first.RunId);
        all.AsObject().Should().NotContainKey("next");
        Ids(any).Should().Contain([first.RunId, second.RunId]);
        all["runs"]![0]!.AsObject().Should().NotContainKey("stages");
    }

    [Theory]
    [InlineData("take=0")]
    [InlineData("take=1001")]
    [InlineData("take=ten")]
    [InlineData("take=-1")]
    [InlineData("take=99999999999")]
    [InlineData("take=")]
    [InlineData("model=NO%20MODEL")]
    [InlineData("next=")]
    [InlineData("next=!")]
    public async Task A_wrong_query_is_400(string query) => await Client.GetAsync($"/runs?{query}").ShouldFailAsync(HttpStatusCode.BadRequest);

    [Theory]
    [InlineData("x")]
    [InlineData("no-such-model-20260101000000000-abcdef")]
    [InlineData("UPPER-20260101000000000-abcdef")]
    [InlineData("a%23b-20260101000000000-abcdef")]
    [InlineData("a'b-20260101000000000-abcdef")]
    [InlineData("abc-20260101000000000-zzzzzz")]
    public async Task An_unknown_run_is_404_everywhere(string id)
    {
        (await Client.GetAsync($"/runs/{id}").ShouldFailAsync(HttpStatusCode.NotFound)).Should().Contain("GET /runs");
        await Client.GetAsync($"/runs/{id}/artifacts/a.txt").ShouldFailAsync(HttpStatusCode.NotFound);
        foreach (var action in new[] { "approve", "reject", "cancel", "retry" })
        {
            await Client.PostAsync($"/runs/{id}/{action}", null).ShouldFailAsync(HttpStatusCode.NotFound);
        }
    }

    [Theory]
    [InlineData("training_features.txt", "text/plain")]
    [InlineData("candidates/0-lightgbm/model.zip", "application/zip")]
    [InlineData("candidates/0-lightgbm/signature.json", "application/json")]
    [InlineData("odd name é&+.bin", "application/octet-stream")]
    public async Task An_artifact_is_served_under_its_listed_address(string path, string contentType)
    {
        var run = await AddRunAsync(RunState.Succeeded);
        await Host.Get<ArtifactStore>().SaveAsync(run.RunId, path, $"{run.RunId}/{Guid.NewGuid():N}", new BinaryData("content"), default);

        var listed = (await GetAsync(run))["artifacts"]![0]!;
        ((string)listed["path"]!).Should().Be(path);
        ((long)listed["bytes"]!).Should().Be(7);
        using var response = await Client.GetAsync((string)listed["url"]!);

        response.StatusCode.Should().Be(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.Should().Be(contentType);
        response.Content.Headers.ContentLength.Should().Be(7);
        (await response.Content.ReadAsStringAsync()).Should().Be("content");
    }

    [Fact]
    public async Task A_part_of_an_artifact_can_be_asked_for()
    {
        var run = await AddRunAsync(RunState.Succeeded);
        await Host.Get<ArtifactStore>().SaveAsync(run.RunId, "a.txt", $"{run.RunId}/a.txt", new BinaryData("content"), default);
        var request = new HttpRequestMessage(HttpMethod.Get, $"/runs/{run.RunId}/artifacts/a.txt");
        request.Headers.Range = new RangeHeaderValue(3, 6);

        using var response = await Client.SendAsync(request);

        response.StatusCode.Should().Be(HttpStatusCode.PartialContent);
        (await response.Content.ReadAsStringAsync()).Should().Be("tent");
    }

    [Fact]
    public async Task Only_what_the_run_lists_is_served()
    {
        var run = await AddRunAsync(RunState.Succeeded);
        var other = await AddRunAsync(RunState.Succeeded);
        await Host.Get<ArtifactStore>().SaveAsync(other.RunId, "secret.txt", $"{other.RunId}/secret.txt", new BinaryData("content"), default);

        foreach (var path in new[] { "secret.txt", $"..%2F{other.RunId}%2Fsecret.txt", $"{other.RunId}/secret.txt", new string('a', 3000), "a'b", "%00" })
        {
            using var response = await Client.GetAsync($"/runs/{run.RunId}/artifacts/{path}");
            response.StatusCode.Should().BeOneOf([HttpStatusCode.NotFound, HttpStatusCode.BadRequest], path);
        }
        Host.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task An_artifact_that_is_listed_but_gone_is_404()
    {
        var run = await AddRunAsync(RunState.Succeeded);
        await Runs.LogArtifactsAsync(run.RunId, [new Artifact("a.txt", $"{run.RunId}/a.txt", 7)], default);

        await Client.GetAsync($"/runs/{run.RunId}/artifacts/a.txt").ShouldFailAsync(HttpStatusCode.NotFound);
    }

    private Task<JsonNode> GetAsync(Run run) => Client.GetAsync($"/runs/{run.RunId}").ShouldBeAsync(HttpStatusCode.OK);

    private static IEnumerable<string> Ids(JsonNode list) => list["runs"]!.AsArray().Select(run => (string)run!["runId"]!);

    private static IEnumerable<string> Stages(JsonNode run) => run["stages"]!.AsArray().Select(stage => $"{stage!["stage"]} {stage["key"]} {stage["state"]}");
}
