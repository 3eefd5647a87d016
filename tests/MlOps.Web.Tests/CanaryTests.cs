using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Local.Engine;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Serving;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Triggers;
using MlOps.Testing;

namespace MlOps.Web.Tests;

/// <summary>A host with its engine and its triggers, asked by many while a version is let at their requests.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class CanaryTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const int Callers = 8;

    private readonly string model = AzuriteFixture.UniqueModel();
    private WebHost host = null!;
    private SlackEndpoint slack = null!;

    private HttpClient Client => host.Client;

    private ModelRegistry Registry => host.Get<ModelRegistry>();

    public async Task InitializeAsync()
    {
        slack = await SlackEndpoint.StartAsync();
        host = await WebHost.StartAsync(azurite.NewStorage(), services => services
            .AddEmbeddedEngine()
            .AddSingleton(new EngineOptions { PollInterval = TimeSpan.FromMilliseconds(200) })
            .AddSingleton(new AlertOptions { SlackWebhookUrl = slack.Url })
            .AddSingleton(new PredictionLogOptions { WriteEvery = TimeSpan.FromMilliseconds(50) })
            .AddPredictionLog()
            .AddTriggers());
        for (var i = 0; i < 2; i++)
        {
            var version = await Registry.AddVersionAsync(model);
            var inputs = new[] { new SignatureColumn("a", ColumnKind.Numeric) };
            await host.Storage.Artifacts.UploadBlobAsync(
                $"{version.ModelBlobs}/signature.json",
                BinaryData.FromString(Json.Write(new Signature(inputs, inputs, new SignatureColumn("y", ColumnKind.Numeric)))));
        }
        await Registry.SetAliasAsync(model, ModelAlias.Production, 1, "test", default);
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await slack.DisposeAsync();
    }

    /// <summary>Version n predicts n, and what comes true is about 1.</summary>
    [Theory]
    [InlineData(false, "worse: squared_error of version 2")]
    [InlineData(true, "version 2 could not answer")]
    public async Task A_bad_version_under_load_is_taken_out_by_itself_and_no_request_fails(bool throws, string why)
    {
        await DeclareAsync(new TrafficRules());
        host.Scorers.Fails = version => throws && version == 2;
        var started = await Client.PostJsonAsync($"/models/{model}/canary", """{"version": 2, "steps": [50], "hold": "01:00:00"}""")
            .ShouldBeAsync(HttpStatusCode.Accepted);
        var runId = (string)started["runId"]!;

        var answers = await UnderLoadAsync(async () => (await FindAsync(runId)).Run.HasEnded);

        var run = await FindAsync(runId);
        (run.Run.State, run.Run.Goal, run.Run.Version).Should().Be((RunState.Blocked, RunGoal.Canary, 2), run.Run.Error);
        run.Run.BlockedBy.Should().ContainSingle().Which.Should().StartWith("canary: rejected by rule: ").And.Contain(why);
        answers.Should().OnlyContain(answer => answer.Status == HttpStatusCode.OK);
        answers.Select(answer => answer.Version).Distinct().Should().BeEquivalentTo(throws ? new[] { 1 } : [1, 2]);
        (await Registry.FindAsync(model, default)).Should().BeEquivalentTo(new { Production = 1, Traffic = default(TrafficSplit) });
        Told().Should().ContainSingle().Which.Should().EndWith("version 2 was not promoted: its canary");
    }

    [Theory]
    [InlineData(1.0, 1, "version 2 is taken out of the traffic, by rule")]
    [InlineData(2.0, 2, "version 2 is in production, by rule")]
    public async Task Of_versions_that_a_person_lets_answer_the_rules_choose(double truth, int chosen, string told)
    {
        await DeclareAsync(new TrafficRules { Promote = true, RollBack = true });
        await Client.PutJsonAsync($"/models/{model}/traffic", """{"weights": {"1": 50, "2": 50}}""").ShouldBeAsync(HttpStatusCode.OK);

        var answers = await UnderLoadAsync(async () => (await Registry.FindAsync(model, default))!.Traffic is null, truth);

        answers.Should().OnlyContain(answer => answer.Status == HttpStatusCode.OK);
        (await Registry.FindAsync(model, default))!.Production.Should().Be(chosen);
        Told().Should().ContainSingle().Which.Should().EndWith(told);
        var audited = await Client.GetAsync("/audit?take=50").ShouldBeAsync(HttpStatusCode.OK);
        audited["entries"]!.AsArray().Where(entry => (string)entry!["subject"]! == $"models/{model}" && (string)entry["by"]! == "rule")
            .Should().ContainSingle().Which!["outcome"]!.ToString().Should().Be("done");
    }

    [Fact]
    public async Task A_split_whose_run_is_gone_is_ended()
    {
        await DeclareAsync(new TrafficRules());
        var wish = new TrafficWish(new Dictionary<int, int> { [1] = 95, [2] = 5 }, null, "canary", $"{model}-20260101000000000-000000");
        await host.Get<ModelTraffic>().SplitAsync(model, wish, default);

        await host.Get<TrafficTrigger>().LookAsync(default);

        (await Registry.FindAsync(model, default))!.Traffic.Should().BeNull();
    }

    [Theory]
    [InlineData("""{}""", "version is missing")]
    [InlineData("""{"version": 1}""", "in production already")]
    [InlineData("""{"version": 7}""", "no version 7")]
    [InlineData("""{"version": 2, "steps": [25, 5]}""", "that rise")]
    [InlineData("""{"version": 2, "steps": []}""", "percents from 1 to 99")]
    [InlineData("""{"version": 2, "steps": [0, "a"]}""", "percents from 1 to 99")]
    [InlineData("""{"version": 2, "hold": "0"}""", "must be a time span")]
    [InlineData("""{"version": 2, "hold": "02:00:00", "patience": "01:00:00"}""", "patience")]
    public async Task A_canary_that_cannot_be_is_refused(string body, string why)
    {
        await DeclareAsync(new TrafficRules());

        (await Client.PostJsonAsync($"/models/{model}/canary", body).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain(why);
        await Client.PostJsonAsync("/models/no-such-model/canary", """{"version": 2}""").ShouldFailAsync(HttpStatusCode.NotFound);
        (await host.Get<RunStore>().ListUnfinishedAsync(model, default)).Should().BeEmpty();
    }

    private Task DeclareAsync(TrafficRules rules) =>
        host.Get<DefinitionStore>().PutAsync(new PipelineDefinition { Model = model, Target = "y", Traffic = rules }, default);

    /// <summary>Asks and tells what came true, by many callers, until something is so; the triggers look meanwhile.</summary>
    private async Task<IReadOnlyCollection<(HttpStatusCode Status, int Version)>> UnderLoadAsync(Func<Task<bool>> until, double truth = 1)
    {
        var answers = new ConcurrentQueue<(HttpStatusCode Status, int Version)>();
        using var stop = new CancellationTokenSource();
        var callers = Enumerable.Range(0, Callers).Select(caller => Task.Run(() => AskUntilAsync(caller, truth, answers, stop.Token))).ToList();
        await Eventually.IsTrueAsync(
            async () =>
            {
                await host.Get<TrafficTrigger>().LookAsync(default);
                return await until();
            },
            () => $"after {answers.Count} answers", TimeSpan.FromMinutes(1));
        await stop.CancelAsync();
        await Task.WhenAll(callers);
        return answers;
    }

    private async Task AskUntilAsync(int caller, double truth, ConcurrentQueue<(HttpStatusCode Status, int Version)> answers, CancellationToken stop)
    {
        var random = new Random(caller);
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            using var response = await Client.PostJsonAsync(
                "/predict", $$$"""{"model": "{{{model}}}", "features": {"a": 1}, "key": "customer-{{{caller}}}-{{{i}}}"}""");
            var body = JsonNode.Parse(await response.Content.ReadAsStringAsync(CancellationToken.None))!;
            answers.Enqueue((response.StatusCode, (int?)body["version"] ?? 0));
            var actual = (truth + (0.2 * (random.NextDouble() - 0.5))).ToString(CultureInfo.InvariantCulture);
            await Client.PostJsonAsync("/feedback", $$"""{"model": "{{model}}", "id": "{{(string?)body["id"]}}", "actual": {{actual}}}""")
                .ShouldBeAsync(HttpStatusCode.OK);
        }
    }

    /// <summary>What Slack was told of this test's model: the engine also ends what other tests have left.</summary>
    private IEnumerable<string> Told() =>
        slack.Calls.Select(call => call.Message.GetProperty("text").GetString()!).Where(text => text.StartsWith(model, StringComparison.Ordinal));

    private async Task<RunDetails> FindAsync(string runId) => (await host.Get<RunStore>().FindDetailsAsync(runId, default))!;
}
