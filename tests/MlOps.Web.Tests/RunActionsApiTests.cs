using System.Net;
using System.Net.Http.Headers;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;
using MlOps.Web.Access;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class RunActionsApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Theory]
    [InlineData("", null, null)]
    [InlineData("""{"by": "Ann", "reason": "fine"}""", "Ann", "fine")]
    public async Task Approving_a_waiting_run_tells_the_engine_by_whom_and_why(string json, string? by, string? reason)
    {
        var run = await AddRunAsync(RunState.Waiting);

        var body = await PostAsync(run, "approve", json).ShouldBeAsync(HttpStatusCode.Accepted);

        ((string)body["runId"]!).Should().Be(run.RunId);
        TheDecision(run).Should()
            .Match<ApprovalDecision>(decision => decision.Approved && decision.By == by && decision.Reason == reason && decision.At != null);
    }

    [Fact]
    public async Task Who_is_signed_in_decides_whatever_the_body_claims()
    {
        var run = await AddRunAsync(RunState.Waiting);
        var (key, text) = await Host.Get<AccessKeyStore>().AddAsync($"bob-{Model}", RouteRole.Admin, default);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/runs/{run.RunId}/approve") { Content = new StringContent("""{"by": "Ann"}""") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", text);

        await Client.SendAsync(request).ShouldBeAsync(HttpStatusCode.Accepted);

        TheDecision(run).By.Should().Be(key.Name);
    }

    [Fact]
    public async Task A_header_of_the_platform_is_nothing_where_no_platform_signs_in()
    {
        var run = await AddRunAsync(RunState.Waiting);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/runs/{run.RunId}/approve") { Content = new StringContent("""{"by": "Ann"}""") };
        request.Headers.Add("X-MS-CLIENT-PRINCIPAL-NAME", "bob@example.org");

        await Client.SendAsync(request).ShouldBeAsync(HttpStatusCode.Accepted);

        TheDecision(run).By.Should().Be("Ann");
    }

    [Theory]
    [InlineData("""{"reason": " too little data "}""", "too little data")]
    [InlineData("", "no reason given")]
    public async Task Rejecting_a_waiting_run_tells_the_engine_why(string json, string reason)
    {
        var run = await AddRunAsync(RunState.Waiting);

        await PostAsync(run, "reject", json).ShouldBeAsync(HttpStatusCode.Accepted);

        TheDecision(run).Should().Match<ApprovalDecision>(decision => !decision.Approved && decision.Reason == reason);
    }

    [Theory]
    [InlineData("""{"reason": " "}""")]
    [InlineData("""{"by": ""}""")]
    [InlineData("""{"reason": ""}""")]
    [InlineData("""{"reason": 3}""")]
    [InlineData("""{"why": "bad"}""")]
    public async Task A_malformed_decision_is_400_and_decides_nothing(string json)
    {
        var run = await AddRunAsync(RunState.Waiting);

        await PostAsync(run, "reject", json).ShouldFailAsync(HttpStatusCode.BadRequest);

        Host.Engine.Signals.Should().BeEmpty();
    }

    [Theory]
    [InlineData("approve")]
    [InlineData("reject")]
    [InlineData("cancel")]
    public async Task A_reason_that_no_record_could_hold_is_400(string action)
    {
        var run = await AddRunAsync(RunState.Waiting);

        (await PostAsync(run, action, $"{{\"reason\": \"{new string('x', 100_000)}\"}}").ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain("2000");
    }

    [Theory]
    [InlineData(RunState.Queued)]
    [InlineData(RunState.Running)]
    [InlineData(RunState.Succeeded)]
    public async Task A_run_that_does_not_wait_cannot_be_decided(RunState state)
    {
        var run = await AddRunAsync(state);

        (await PostAsync(run, "approve").ShouldFailAsync(HttpStatusCode.Conflict)).Should().Contain(state.ToString().ToLowerInvariant());
        await PostAsync(run, "reject").ShouldFailAsync(HttpStatusCode.Conflict);
        Host.Engine.Signals.Should().BeEmpty();
    }

    [Theory]
    [InlineData(RunState.Queued)]
    [InlineData(RunState.Running)]
    [InlineData(RunState.Waiting)]
    public async Task A_run_under_way_can_be_cancelled_but_not_retried(RunState state)
    {
        var run = await AddRunAsync(state);

        await PostAsync(run, "cancel", """{"reason": "wrong file"}""").ShouldBeAsync(HttpStatusCode.Accepted);
        (await PostAsync(run, "retry").ShouldFailAsync(HttpStatusCode.Conflict)).Should().Contain("still").And.Contain($"/runs/{run.RunId}/cancel");

        Host.Engine.Cancelled.Should().Equal((run.RunId, "wrong file"));
        Host.Engine.Started.Should().BeEmpty();
    }

    [Theory]
    [InlineData(RunState.Succeeded)]
    [InlineData(RunState.Blocked)]
    [InlineData(RunState.Failed)]
    [InlineData(RunState.Cancelled)]
    public async Task A_run_that_has_ended_can_be_retried_but_not_cancelled(RunState state)
    {
        var run = await AddRunAsync(state);

        (await PostAsync(run, "cancel").ShouldFailAsync(HttpStatusCode.Conflict)).Should().Contain("ended");
        using var response = await PostAsync(run, "retry");
        var location = response.Headers.Location;
        var body = await Task.FromResult(response).ShouldBeAsync(HttpStatusCode.Accepted);

        ((string)body["runId"]!).Should().NotBe(run.RunId);
        location.Should().Be($"/runs/{body["runId"]}");
        ((string)body["trigger"]!).Should().Be("retry");
        Host.Engine.Cancelled.Should().BeEmpty();
    }

    [Fact]
    public async Task A_retry_takes_the_source_and_the_definition_of_its_run_not_todays()
    {
        var run = await AddRunAsync(RunState.Failed);
        await Client.PutJsonAsync($"/pipelines/{Model}", """{"target": "z"}""").ShouldBeAsync(HttpStatusCode.OK);

        var body = await PostAsync(run, "retry").ShouldBeAsync(HttpStatusCode.Accepted);

        ((string)body["source"]!).Should().Be(run.Source);
        ((string)body["definitionId"]!).Should().Be(run.DefinitionId);
        Host.Engine.Started.Should().ContainSingle().Which.Candidates.Should().Equal("0-lightgbm", "1-sdca");
        (await Runs.FindAsync((string)body["runId"]!, default)).Should().NotBeNull();
    }

    private Task<HttpResponseMessage> PostAsync(Run run, string action, string json = "") => Client.PostJsonAsync($"/runs/{run.RunId}/{action}", json);

    private ApprovalDecision TheDecision(Run run)
    {
        var (runId, name, payload) = Host.Engine.Signals.Should().ContainSingle().Which;
        (runId, name).Should().Be((run.RunId, TrainingPipeline.ApprovalEvent));
        return ApprovalDecision.Read(payload);
    }
}
