using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Models;
using MlOps.Testing;
using MlOps.Web.Answers;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class HttpProblemsTests(AzuriteFixture azurite) : WebTests(azurite)
{
    private const string Secret = "AccountKey=secret";

    [Theory]
    [InlineData("GET", "/index.html")]
    [InlineData("GET", "/modles")]
    [InlineData("POST", "/predict/now")]
    [InlineData("DELETE", "/runs/a/b/c")]
    public async Task An_unknown_route_is_a_404_problem(string method, string path) =>
        (await Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path)).ShouldFailAsync(HttpStatusCode.NotFound))
            .Should().Contain($"no route {method} {path}").And.Contain("/openapi.json");

    [Fact]
    public async Task A_problem_tells_the_trace_that_the_caller_began()
    {
        const string Trace = "0af7651916cd43dd8448eb211c80319c";
        foreach (var path in new[] { "/nowhere", "/models/x" })
        {
            var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "traceparent", $"00-{Trace}-b7ad6b7169203331-01" } } };

            ((string)(await Client.SendAsync(request).ShouldBeProblemAsync(HttpStatusCode.NotFound))["traceId"]!).Should().Be(Trace);
        }
        ((string)(await Client.GetAsync("/nowhere").ShouldBeProblemAsync(HttpStatusCode.NotFound))["traceId"]!).Should().MatchRegex("^[0-9a-f]{32}$");
    }

    /// <summary>The Functions worker's: it begins no activity, and the host tells its trace with the call.</summary>
    [Theory]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", null, "0af7651916cd43dd8448eb211c80319c")]
    [InlineData("", "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "1af7651916cd43dd8448eb211c80319c")]
    [InlineData(null, null, null)]
    [InlineData("nonsense", "nonsense", null)]
    public async Task Behind_another_host_a_problem_tells_its_trace_or_the_callers_or_one_of_its_own(string? told, string? sent, string? expected)
    {
        await using var scope = Host.Get<IServiceScopeFactory>().CreateAsyncScope();
        var http = new DefaultHttpContext { RequestServices = scope.ServiceProvider };
        http.Request.Method = "GET";
        http.Request.Path = "/nowhere";
        http.Request.Headers.TraceParent = sent;
        http.Response.Body = new MemoryStream();
        System.Diagnostics.Activity.Current = null;
        TraceIds.Note(http, told);

        await Host.Get<WebPipeline>().RunAsync(http, default);

        http.Response.Body.Position = 0;
        var id = (string)(await System.Text.Json.Nodes.JsonNode.ParseAsync(http.Response.Body))!["traceId"]!;
        id.Should().MatchRegex("^[0-9a-f]{32}$");
        (expected is null || id == expected).Should().BeTrue(id);
    }

    [Fact]
    public async Task A_browser_gets_the_same_problem()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/nowhere");
        request.Headers.Accept.ParseAdd("text/html");

        await Client.SendAsync(request).ShouldFailAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_wrong_method_is_a_405_problem_that_names_the_right_one()
    {
        using var response = await Client.GetAsync("/predict");

        response.Content.Headers.Allow.Should().Equal("POST");
        (await Task.FromResult(response).ShouldFailAsync(HttpStatusCode.MethodNotAllowed)).Should().Contain("takes POST");
    }

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task A_fault_in_a_handler_is_a_500_problem_without_insides_and_is_logged(string environment)
    {
        await using var host = await WebHost.StartAsync(
            Azurite.NewStorage(), services =>
                services.AddSingleton<IPipelineEngine>(new FaultyEngine(new InvalidOperationException(Secret))), environment: environment);
        var run = await AddRunAsync(RunState.Running);

        var problem = await host.Client.PostAsync($"/runs/{run.RunId}/cancel", null).ShouldBeProblemAsync(HttpStatusCode.InternalServerError);

        problem.ToJsonString().Should().NotContain(Secret).And.NotContain("InvalidOperation").And.NotContain("   at ");
        host.Errors.Should().ContainSingle().Which.Should()
            .Contain(Secret).And.Contain($"POST /runs/{run.RunId}/cancel").And.Contain($"trace {(string)problem["traceId"]!}");
    }

    [Fact]
    public async Task A_fault_outside_of_every_handler_is_a_500_problem_too()
    {
        await using var host = await WebHost.StartAsync(
            Azurite.NewStorage(), map: app => app.MapGet("/elsewhere", string () => throw new InvalidOperationException(Secret)));

        var problem = await host.Client.GetAsync("/elsewhere").ShouldBeProblemAsync(HttpStatusCode.InternalServerError);

        problem.ToJsonString().Should().NotContain(Secret);
        host.Errors.Should().Contain(error => error.Contains(Secret));
    }

    [Fact]
    public async Task A_production_version_that_cannot_be_loaded_is_a_500_problem_that_says_what_to_do()
    {
        await Registry.AddProductionAsync(Model);
        Host.Scorers.BeforeLoaded = _ => throw new InvalidDataException(Secret);

        var detail = await Client.PostJsonAsync("/predict", $"{{\"model\": \"{Model}\", \"features\": {{}}}}")
            .ShouldFailAsync(HttpStatusCode.InternalServerError);

        detail.Should().Contain("Version 1").And.Contain($"/models/{Model}/rollback").And.NotContain(Secret);
    }

    [Fact]
    public async Task Storage_that_is_down_is_a_503_problem_with_a_time_to_come_back_on_every_route()
    {
        await using var host = await WebHost.StartAsync(Unreachable.Storage(Unreachable.FreePort(), retries: 0));
        var run = RunId.New(Model, DateTimeOffset.UtcNow);
        foreach (var pending in new[]
        {
            host.Client.GetAsync("/pipelines"),
            host.Client.GetAsync($"/pipelines/{Model}"),
            host.Client.PutJsonAsync($"/pipelines/{Model}", """{"target": "y"}"""),
            host.Client.PostAsync($"/pipelines/{Model}/runs", null),
            host.Client.GetAsync("/runs"),
            host.Client.GetAsync($"/runs/{run}"),
            host.Client.GetAsync($"/runs/{run}/artifacts/a.txt"),
            host.Client.PostAsync($"/runs/{run}/approve", null),
            host.Client.PostAsync($"/runs/{run}/retry", null),
            host.Client.GetAsync("/models"),
            host.Client.GetAsync($"/models/{Model}"),
            host.Client.PutJsonAsync($"/models/{Model}/aliases/production", """{"version": 1}"""),
            host.Client.PostAsync($"/models/{Model}/rollback", null),
            host.Client.PutAsync($"/raw/{Model}/a.csv", new StringContent("x")),
            host.Client.PostJsonAsync("/predict", """{"features": {}}"""),
            host.Client.PostJsonAsync("/predict", $"{{\"model\": \"{Model}\", \"features\": {{}}}}"),
        })
        {
            using var response = await pending;
            response.Headers.RetryAfter?.Delta.Should().Be(TimeSpan.FromSeconds(5));
            (await Task.FromResult(response).ShouldFailAsync(HttpStatusCode.ServiceUnavailable)).Should().Contain("Storage does not answer");
        }
        host.Errors.Should().BeEmpty("an outage is no fault of this program");
    }

    [Fact]
    public async Task A_loaded_model_goes_on_predicting_when_storage_goes_away()
    {
        await using var gate = new StorageGate(Azurite.ConnectionString);
        await using var host = await WebHost.StartAsync(gate.NewStorage());
        await Registry.AddProductionAsync(Model);
        Task<HttpResponseMessage> PredictAsync() => host.Client.PostJsonAsync("/predict", $"{{\"model\": \"{Model}\", \"features\": {{}}}}");
        await PredictAsync().ShouldBeAsync(HttpStatusCode.OK);

        gate.Close();
        await host.Client.GetAsync("/health").ShouldBeAsync(HttpStatusCode.ServiceUnavailable);
        for (var i = 0; i < 20; i++)
        {
            await PredictAsync().ShouldBeAsync(HttpStatusCode.OK);
            await Task.Delay(host.Get<ServingOptions>().RefreshEvery / 5);
        }

        gate.Open();
        await Registry.AddProductionAsync(Model);
        await Eventually.IsTrueAsync(async () => (int)(await PredictAsync().ShouldBeAsync(HttpStatusCode.OK))["version"]! == 2);
    }

    private sealed class FaultyEngine(Exception fault) : IPipelineEngine
    {
        public Task StartAsync(RunInput input, CancellationToken cancel) => throw fault;

        public Task SignalAsync(string runId, string eventName, string payload, CancellationToken cancel) => throw fault;

        public Task CancelAsync(string runId, string reason, CancellationToken cancel) => throw fault;
    }
}
