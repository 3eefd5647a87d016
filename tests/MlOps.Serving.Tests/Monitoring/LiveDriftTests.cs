using System.Text;
using Azure.Storage.Blobs.Specialized;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Signals;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Serving.Tests.Monitoring;

/// <summary>The whole way with a model that is really trained: predict, log, check, tell.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class LiveDriftTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const string Cause = "drift: 3 of 6 columns of the live rows differ from the training rows of version 1 (share 0.50, limit 0.50): ";

    private readonly TestClock clock = new(new DateTimeOffset(2026, 5, 4, 2, 30, 0, TimeSpan.Zero));
    private readonly string model = AzuriteFixture.UniqueModel();
    private readonly OwnChannel own = new();
    private SlackEndpoint slack = null!;

    public async Task InitializeAsync() => slack = await SlackEndpoint.StartAsync();

    public async Task DisposeAsync() => await slack.DisposeAsync();

    [Fact]
    public async Task Few_rows_wait_until_there_are_enough()
    {
        await using var host = await ServingAsync();
        await PredictAsync(host, LiveTrips.Rows(150, seed: 1));

        await host.LookAsync();
        var early = await NewestAsync(host);
        await PredictAsync(host, LiveTrips.Rows(150, seed: 2));
        clock.Now += TimeSpan.FromMinutes(59);
        await host.LookAsync();
        var betweenLooks = await NewestAsync(host);
        clock.Now += TimeSpan.FromMinutes(1);
        await host.LookAsync();

        early.Should().BeNull();
        betweenLooks.Should().BeNull("an hour has not passed since it was looked");
        (await NewestAsync(host))!.Rows.Should().Be(300);
    }

    [Fact]
    public async Task Rows_like_those_of_training_have_not_drifted_and_nobody_is_told()
    {
        await using var host = await ServingAsync();
        await PredictAsync(host, LiveTrips.Rows(1000, seed: 3));

        await host.LookAsync();

        var check = (await NewestAsync(host))!;
        (check.Model, check.Version, check.Rows, check.Drifted, check.Until).Should().Be((model, 1, 1000, false, clock.Now));
        check.Report.Comparisons.Single().Scores.Select(score => score.Column).Should()
            .BeEquivalentTo("vendor", "passengers", "seconds", "miles", "payment", "seconds_x_miles");
        check.Report.Comparisons[0].OnlyInReference.Should().BeEmpty("what callers do not send is not missed");
        check.Alert.Should().BeNull();
        check.Reasons.Should().BeEmpty();
        slack.Calls.Should().BeEmpty();
        (await PageAsync(host)).Should()
            .Contain("The data has not drifted").And.Contain("Version 1, rows predicted from 2026-05-03 02:30:00 to 2026-05-04 02:30:00 UTC");
    }

    [Fact]
    public async Task Shifted_rows_are_told_with_numbers_and_a_page()
    {
        await using var host = await ServingAsync();
        await PredictAsync(host, LiveTrips.Rows(1000, seed: 4, factor: 3));

        await host.LookAsync();

        var check = (await NewestAsync(host))!;
        check.Drifted.Should().BeTrue();
        check.Reasons.Should().ContainSingle().Which.Should().StartWith(Cause);
        check.Told.Should().BeEquivalentTo("seconds", "miles", "seconds_x_miles");
        check.Alert!.Kind.Should().Be(AlertKind.LiveDriftDetected);
        check.Alert.Deliveries.Should().Contain(new AlertDelivery("slack", AlertState.Sent));
        var message = slack.Calls.Should().ContainSingle().Subject.Message;
        message.GetProperty("text").GetString().Should().Be($"{model}: live rows have drifted from what version 1 was trained on");
        message.GetRawText().Should()
            .Contain($"https://mlops.example/models/{model}/drift/page").And.Contain("*Live rows*\\n1,000").And.Contain("drift: 3 of 6 columns");
        (await PageAsync(host)).Should()
            .Contain("The data has drifted").And.Contain(
                "Live rows against training rows of version 1").And.Contain("drift of live rows is told.").And.Contain("<svg");
        (check.RunId, check.RunProblem).Should().Be((null, null));
    }

    [Fact]
    public async Task A_check_whose_keeping_was_not_answered_is_told_all_the_same()
    {
        var lossy = new AnswerLost(
            (method, path) => method == "PUT" && path.Contains("/live-drift/", StringComparison.Ordinal) && path.EndsWith(".json", StringComparison.Ordinal));
        await using var host = await ServingAsync(storage: lossy.Storage(azurite));
        await PredictAsync(host, LiveTrips.Rows(1000, seed: 4, factor: 3));

        await host.LookAsync();

        lossy.Lost.Should().Be(1);
        slack.Calls.Should().ContainSingle();
        (await NewestAsync(host))!.Alert!.Deliveries.Should().Contain(new AlertDelivery("slack", AlertState.Sent));
    }

    [Fact]
    public async Task A_window_whose_claim_was_not_answered_is_checked_all_the_same_and_the_next_one_too()
    {
        var lossy = new AnswerLost((method, path) => method != "GET" && path.Contains("/marks", StringComparison.Ordinal));
        await using var host = await ServingAsync(storage: lossy.Storage(azurite));
        await PredictAsync(host, LiveTrips.Rows(300, seed: 30));
        await host.LookAsync();
        var first = await NewestAsync(host);
        clock.Now += TimeSpan.FromHours(1);
        await PredictAsync(host, LiveTrips.Rows(300, seed: 31));
        await host.LookAsync();

        lossy.Lost.Should().Be(1);
        lossy.Statuses.Take(2).Should().Equal(204, 409);
        first!.Rows.Should().Be(300);
        (await NewestAsync(host))!.Until.Should().Be(clock.Now);
    }

    [Fact]
    public async Task The_same_drift_is_told_once_and_more_of_it_again()
    {
        await using var host = await ServingAsync();
        var told = new List<AlertState?>();
        foreach (var (factor, payment) in new (double, string?)[] { (3, null), (3.5, null), (3, "APP"), (3, "APP"), (1, null), (3, null) })
        {
            await PredictAsync(host, LiveTrips.Rows(400, seed: told.Count + 10, factor, payment));
            await host.LookAsync();
            told.Add((await NewestAsync(host))!.Alert?.State);
            clock.Now += TimeSpan.FromHours(1);
        }

        // The fifth tells that predictions and cells are as they should be again.
        told.Should().Equal(AlertState.Sent, null, AlertState.Sent, null, AlertState.Sent, AlertState.Sent);
        slack.Calls.Should().HaveCount(4);
        (await ChecksAsync(host)).Should().HaveCount(6);
    }

    [Fact]
    public async Task What_Slack_refuses_is_kept_on_the_check_and_told_by_the_next_one()
    {
        slack.Answer = (call, context, _) =>
        {
            context.Response.StatusCode = call == 1 ? StatusCodes.Status403Forbidden : StatusCodes.Status200OK;
            return Task.CompletedTask;
        };
        await using var host = await ServingAsync();
        await PredictAsync(host, LiveTrips.Rows(400, seed: 20, factor: 3));
        await host.LookAsync();
        var refused = (await NewestAsync(host))!;

        clock.Now += TimeSpan.FromHours(1);
        await PredictAsync(host, LiveTrips.Rows(400, seed: 21, factor: 3));
        await host.LookAsync();
        var taken = (await NewestAsync(host))!;

        refused.Drifted.Should().BeTrue();
        refused.Alert!.Deliveries.Should().Contain(new AlertDelivery("slack", AlertState.Failed, "Slack answered 403."));
        refused.Told.Should().BeEmpty();
        refused.States.Should().BeEmpty();
        taken.Alert!.State.Should().Be(AlertState.Sent);
        taken.Alert.Reasons.Should().Contain(reason => reason.StartsWith("prediction drift is a warning: ", StringComparison.Ordinal), "nobody knows yet");
        taken.States.Should().Contain("predictionDrift", SignalVerdict.Warning);
    }

    [Fact]
    public async Task What_a_channel_of_the_host_took_is_known_although_Slack_refused_it()
    {
        slack.Answer = (_, context, _) =>
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        };
        await using var host = await ServingAsync();
        await PredictAsync(host, LiveTrips.Rows(400, seed: 24, factor: 3));
        own.Titles.Clear();
        own.Takes = true;
        await host.LookAsync();
        var check = (await NewestAsync(host))!;
        clock.Now += TimeSpan.FromHours(1);
        await PredictAsync(host, LiveTrips.Rows(400, seed: 25, factor: 3));
        await host.LookAsync();

        check.Alert!.Deliveries.Should().BeEquivalentTo(
            [new AlertDelivery("slack", AlertState.Failed, "Slack answered 403."), new AlertDelivery("own", AlertState.Sent)]);
        check.Told.Should().BeEquivalentTo("seconds", "miles", "seconds_x_miles");
        (await NewestAsync(host))!.Alert.Should().BeNull("people know");
        own.Titles.Should().Equal($"{model}: live rows have drifted from what version 1 was trained on");
    }

    [Fact]
    public async Task A_run_starts_on_the_newest_file_once_for_the_same_file()
    {
        await using var host = await ServingAsync(new TriggerRules(Drift: true));
        await PredictAsync(host, LiveTrips.Rows(400, seed: 30, factor: 3));
        await host.LookAsync();
        var without = (await NewestAsync(host))!;
        await host.Get<PipelineStorage>().Raw.GetBlobClient($"{model}/trips.csv").UploadAsync(BinaryData.FromString(Trips.Csv(600, seed: 31)));

        var runs = new List<string?>();
        foreach (var seed in new[] { 32, 33 })
        {
            clock.Now += TimeSpan.FromHours(1);
            await PredictAsync(host, LiveTrips.Rows(400, seed, factor: 3));
            await host.LookAsync();
            runs.Add((await NewestAsync(host))!.RunId);
        }

        without.RunId.Should().BeNull();
        without.RunProblem.Should().Contain("no raw file");
        var started = (await host.Get<RunStore>().ListAsync(model, 10, default)).Where(run => run.Trigger == "drift").Should().ContainSingle().Subject;
        started.Source.Should().Be($"raw/{model}/trips.csv");
        runs.Distinct().Should().Equal(started.RunId);
    }

    [Fact]
    public async Task Of_two_hosts_that_look_at_once_one_checks()
    {
        await using var one = await ServingAsync();
        await using var two = new MonitorHost(azurite, Configure);
        await PredictAsync(one, LiveTrips.Rows(400, seed: 40, factor: 3));

        await Task.WhenAll(one.LookAsync(), two.LookAsync(), one.LookAsync(), two.LookAsync());
        await two.LookAsync();

        (await ChecksAsync(one)).Should().ContainSingle();
        slack.Calls.Should().ContainSingle();
    }

    [Fact]
    public async Task The_window_of_a_dead_host_is_taken_over_as_it_was_and_told_once()
    {
        await using var host = await ServingAsync();
        await PredictAsync(host, LiveTrips.Rows(400, seed: 41, factor: 3));
        var claim = (await host.Get<LiveDriftMarks>().TryClaimAsync(model, TimeSpan.FromHours(1), clock.Now, default))!;
        var version = await host.Get<ModelRegistry>().GetAsync(model, 1, default);
        await host.Get<LiveDriftChecker>().CheckAsync(version, (await host.Get<DefinitionStore>().FindAsync(model, default))!, claim, default);

        clock.Now += TimeSpan.FromMinutes(9);
        await host.LookAsync();
        var early = await NewestAsync(host);
        clock.Now += TimeSpan.FromMinutes(1);
        await host.LookAsync();

        early.Should().BeNull("the host may still be at it");
        (await NewestAsync(host))!.Until.Should().Be(claim.Until!.Value);
        (await ChecksAsync(host)).Should().ContainSingle();
        slack.Calls.Should().ContainSingle();
        (await host.Get<LiveDriftMarks>().TryClaimAsync(model, TimeSpan.FromHours(1), clock.Now, default)).Should()
            .BeNull("it is given back, and an hour has not passed");
    }

    [Fact]
    public async Task A_claim_that_was_taken_over_cannot_be_given_back_by_its_first_host()
    {
        await using var host = await ServingAsync();
        var marks = host.Get<LiveDriftMarks>();
        var first = (await marks.TryClaimAsync(model, TimeSpan.FromHours(1), clock.Now, default))!;
        clock.Now += TimeSpan.FromMinutes(10);
        var second = (await marks.TryClaimAsync(model, TimeSpan.FromHours(1), clock.Now, default))!;

        await marks.ReleaseAsync(first with { Newest = "the first host's" }, default);

        (await marks.FindAsync(model, default))!.Should().BeEquivalentTo(new { second.Claimed, first.Until, Newest = (string?)null });
    }

    [Fact]
    public async Task Values_of_another_type_are_missing_and_rows_of_other_versions_and_times_do_not_count()
    {
        await using var host = await ServingAsync();
        var at = "2026-05-04T02:10:00.000000Z";
        string[] broken = ["\"far\"", "null", "true", "{\"x\":1}", "[1]", "\"\""];
        var lines = LiveTrips.Rows(300, seed: 50)
            .Select((row, i) => i < 60 ? row.Replace("\"miles\":", $"\"miles\":{broken[i % broken.Length]},\"m\":", StringComparison.Ordinal) : row)
            .Select(row => $$"""{"at":"{{at}}","version":1,"features":{{row}}}""")
            .Append("""{"at":"2026-05-04T02:10:00.000000Z","version":1,"fea""")
            .Append("""not json at all""")
            .Concat(LiveTrips.Rows(50, seed: 51).Select(row => $$"""{"at":"{{at}}","version":2,"features":{{row}}}"""))
            .Concat(LiveTrips.Rows(50, seed: 52).Select(row => $$"""{"at":"2026-05-04T02:30:00.000000Z","version":1,"features":{{row}}}"""))
            .Concat(LiveTrips.Rows(50, seed: 53).Select(row => $$"""{"at":"2026-05-03T02:29:59.999999Z","version":1,"features":{{row}}}"""));
        await WriteAsync(host, "2026/05/04/02/other-0001.jsonl", lines);

        await host.LookAsync();

        var check = (await NewestAsync(host))!;
        check.Rows.Should().Be(300);
        var miles = check.Report.Comparisons[0].Scores.Single(score => score.Column == "miles");
        (miles.Current.Values, miles.Current.Missing).Should().Be((240, 60));
        check.Report.Comparisons[0].Scores.Single(score => score.Column == "seconds").Current.Missing.Should().Be(0);
        check.Report.Comparisons[0].Scores.Single(score => score.Column == "seconds_x_miles").Current.Missing.Should().Be(60);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task A_model_that_is_not_to_be_watched_is_not_checked(bool log, bool drift)
    {
        await using var host = await ServingAsync(monitor: new MonitorRules { Log = log, Drift = drift });
        await WriteAsync(
            host, "2026/05/04/02/other-0001.jsonl",
            LiveTrips.Rows(600, seed: 60, factor: 3).Select(row => $$"""{"at":"2026-05-04T02:10:00.000000Z","version":1,"features":{{row}}}"""));

        await host.LookAsync();

        (await NewestAsync(host)).Should().BeNull();
    }

    [Fact]
    public async Task Trouble_with_one_model_does_not_keep_another_from_being_checked()
    {
        await using var host = await ServingAsync();
        var broken = AzuriteFixture.UniqueModel("a-broken");
        await host.Get<DefinitionStore>()
            .PutAsync(new PipelineDefinition { Model = broken, Target = "y", Monitor = new MonitorRules { MinRows = 1 } }, default);
        await host.Get<ModelRegistry>().AddProductionAsync(broken);
        await host.Get<PipelineStorage>().Predictions.GetBlobClient($"{broken}/2026/05/04/02/x-0001.jsonl")
            .UploadAsync(BinaryData.FromString("""{"at":"2026-05-04T02:10:00.000000Z","version":1,"features":{"a":1}}"""));
        await PredictAsync(host, LiveTrips.Rows(400, seed: 61));

        await host.LookAsync();

        (await NewestAsync(host)).Should().NotBeNull();
        (await host.Get<LiveDriftStore>().FindNewestAsync(broken, default)).Should().BeNull("its training rows are gone");
    }

    /// <summary>A channel that is off until a test turns it on.</summary>
    private sealed class OwnChannel : IAlertChannel
    {
        public bool Takes { get; set; }

        public System.Collections.Concurrent.ConcurrentQueue<string> Titles { get; } = new();

        public string Name => "own";

        public string? OffBecause => Takes ? null : "The test does not ask for it.";

        public Task<string?> SendAsync(Alert alert, AlertSubject subject, CancellationToken cancel)
        {
            Titles.Enqueue(alert.Title);
            return Task.FromResult<string?>(null);
        }
    }

    private void Configure(IServiceCollection services) => services
        .AddMlOps(add => add.AddAlert(own))
        .AddSingleton<TimeProvider>(clock)
        .AddSingleton(new AlertOptions { SlackWebhookUrl = slack.Url, BaseUrl = new Uri("https://mlops.example"), Attempts = 1 })
        .AddSingleton(new PredictionLogOptions { WriteEvery = TimeSpan.FromMilliseconds(20) });

    private async Task<MonitorHost> ServingAsync(TriggerRules? runOn = null, MonitorRules? monitor = null, PipelineStorage? storage = null)
    {
        var host = new MonitorHost(azurite, services =>
        {
            Configure(services);
            services.AddSingleton(storage ?? azurite.NewStorage());
        });
        var definition = Trips.Definition(model) with { Monitor = monitor ?? new MonitorRules { MinRows = 300 } };
        var run = await host.Pipeline.RunAsync(definition, host.Pipeline.WriteFile("trips.csv", Trips.Csv(1500, seed: 100)));
        run.Run.Promoted.Should().BeTrue();
        // No later run takes the first version's place.
        await host.Get<DefinitionStore>().PutAsync(definition with { RunOn = runOn ?? new TriggerRules(), Gates = new GateRules { BetterBy = 1000 } }, default);
        slack.Calls.Clear();
        return await host.StartAsync();
    }

    private async Task PredictAsync(MonitorHost host, IReadOnlyList<string> rows)
    {
        clock.Now -= TimeSpan.FromMinutes(5);
        await host.PredictAsync(model, rows);
        clock.Now += TimeSpan.FromMinutes(5);
        await host.WrittenAsync();
    }

    private async Task WriteAsync(MonitorHost host, string name, IEnumerable<string> lines)
    {
        var blob = host.Get<PipelineStorage>().Predictions.GetAppendBlobClient($"{model}/{name}");
        await blob.CreateAsync();
        using var content = new MemoryStream(Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n"))));
        await blob.AppendBlockAsync(content);
    }

    private Task<LiveDriftCheck?> NewestAsync(MonitorHost host) => host.Get<LiveDriftStore>().FindNewestAsync(model, default);

    private async Task<string> PageAsync(MonitorHost host) => (await host.Get<LiveDriftStore>().FindNewestPageAsync(model, default))!.ToString();

    private async Task<IReadOnlyList<string>> ChecksAsync(MonitorHost host)
    {
        var names = new List<string>();
        await foreach (var blob in host.Get<PipelineStorage>().Artifacts.GetBlobsAsync(default, default, $"live-drift/{model}/", CancellationToken.None))
        {
            if (blob.Name.EndsWith(".json", StringComparison.Ordinal))
            {
                names.Add(blob.Name);
            }
        }
        return names;
    }
}
