using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Feedback;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Predictions;
using MlOps.Serving.Signals;
using MlOps.Serving.Tests.Monitoring;
using MlOps.Serving.Triggers;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Serving.Tests.Signals;

/// <summary>Windows of a model that is really trained, by every signal.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class SignalsTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly TestClock clock = new(new DateTimeOffset(2026, 5, 4, 2, 30, 0, TimeSpan.Zero));
    private readonly string model = AzuriteFixture.UniqueModel();
    private SlackEndpoint slack = null!;

    public async Task InitializeAsync() => slack = await SlackEndpoint.StartAsync();

    public async Task DisposeAsync() => await slack.DisposeAsync();

    [Fact]
    public async Task Every_signal_is_judged_and_its_changes_are_told_once()
    {
        await using var host = await ServingAsync(Trips.Definition(model), Trips.Csv(1500, seed: 100));

        // As in training; then longer trips, whose fares are told, and wrong by far; twice; then as in training again.
        var usual = await WindowAsync(host, LiveTrips.Rows(400, seed: 1), Fares(400, seed: 1));
        var far = await WindowAsync(host, LiveTrips.Rows(400, seed: 2, factor: 3), Fares(400, seed: 2, factor: 9));
        var farAgain = await WindowAsync(host, LiveTrips.Rows(400, seed: 3, factor: 3), Fares(400, seed: 3, factor: 9));
        var after = await WindowAsync(host, LiveTrips.Rows(400, seed: 4), Fares(400, seed: 4));

        usual.Signals.Select(signal => (signal.Signal, signal.Verdict)).Should().Equal(
            (SignalNames.FeatureDrift, SignalVerdict.Ok), (SignalNames.PredictionDrift, SignalVerdict.Ok), (SignalNames.DataQuality, SignalVerdict.Ok),
            (SignalNames.AttributionDrift, SignalVerdict.Ok), (SignalNames.Performance, SignalVerdict.Ok),
            (SignalNames.EstimatedPerformance, SignalVerdict.Ok));
        usual.Alert.Should().BeNull();
        var did = usual.Traffic.Should().ContainSingle().Subject;
        (did.Version, did.Variant, did.Rows, did.Failed, usual.TrafficFrom).Should().Be((1, Variants.Production, 400, 0, usual.From));
        did.MedianMs.Should().BePositive().And.BeLessThanOrEqualTo(did.P95Ms!.Value);
        var (predicted, measured, estimated) = (
            Of(usual, SignalNames.PredictionDrift), Of(usual, SignalNames.Performance), Of(usual, SignalNames.EstimatedPerformance));
        (predicted.Measure, predicted.Threshold, predicted.Rows).Should().Be(("wasserstein", 0.1, 400));
        (measured.Measure, measured.Rows, measured.Low < measured.Value, measured.Value < measured.High).Should().Be(("rmse", 400, true, true));
        measured.Reference.Should().Be((await VersionAsync(host)).Metrics["val_rmse"]);
        estimated.Value.Should().BeApproximately(measured.Value!.Value, 0.25 * measured.Value.Value, "errors are learnt from 300 rows");
        Of(usual, SignalNames.AttributionDrift).Value.Should().BeInRange(0.98, 1);

        far.Signals.Where(signal => signal.Verdict == SignalVerdict.Warning).Select(signal => signal.Signal).Should()
            .Contain([SignalNames.FeatureDrift, SignalNames.PredictionDrift, SignalNames.DataQuality, SignalNames.Performance]);
        Of(far, SignalNames.DataQuality).Parts.Should().Contain(part => part.Name == "miles, out of range" && part.IsWarning && part.Value > 0.3);
        far.Alert!.Kind.Should().Be(AlertKind.LiveDriftDetected);
        far.Alert.Reasons.Should().HaveCountGreaterThan(3)
            .And.Contain(reason => reason.StartsWith("prediction drift is a warning: ", StringComparison.Ordinal));
        farAgain.Alert.Should().BeNull("nothing has changed");

        after.Alert!.Kind.Should().Be(AlertKind.SignalChanged);
        after.Alert.Title.Should().StartWith($"{model}: prediction drift, data quality, ").And.EndWith(" are over (version 1)");
        after.States.Values.Should().OnlyContain(state => state == SignalVerdict.Ok);
        slack.Calls.Should().HaveCount(2);
        after.Trail.Select(window => window.Until).Should().Equal(usual.Until, far.Until, farAgain.Until, after.Until);

        var store = host.Get<LiveDriftStore>();
        var page = (await store.FindPageAsync(model, far.Until, default))!.ToString();
        page.Should().Contain("Warnings: feature drift, prediction drift, data quality").And.Contain("class=\"spark\"").And.Contain("miles, out of range");
        var first = await store.ListAsync(model, 3, null, default);
        var second = await store.ListAsync(model, 3, first.Next, default);
        first.Items.Concat(second.Items).Select(check => check.Until).Should().Equal(after.Until, farAgain.Until, far.Until, usual.Until);
        second.Next.Should().BeNull();
    }

    [Fact]
    public async Task What_the_definition_leaves_out_or_only_records_is_no_warning()
    {
        var rules = new SignalRules
        {
            PredictionDrift = new() { Mode = SignalMode.Record },
            DataQuality = new() { Mode = SignalMode.Off },
            AttributionDrift = new() { NdcgAtLeast = 1 },
        };
        await using var host = await ServingAsync(
            Trips.Definition(model) with { Monitor = new MonitorRules { MinRows = 300, Signals = rules } }, Trips.Csv(1500, seed: 100));
        await RemoveAsync(host, MonitoringReference.File, FeatureImportance.File);

        var check = await WindowAsync(host, LiveTrips.Rows(400, seed: 2, factor: 3));

        check.Signals.Select(signal => signal.Signal).Should().NotContain(SignalNames.DataQuality);
        check.Signals.Where(signal => signal.Signal != SignalNames.FeatureDrift).Should().OnlyContain(signal => signal.Verdict == SignalVerdict.NotJudged);
        Of(check, SignalNames.PredictionDrift).Text.Should().Contain("made by a release that kept nothing of its validation rows");
        Of(check, SignalNames.AttributionDrift).Text.Should().Contain("did not keep how much each feature counts");
        Of(check, SignalNames.Performance).Text.Should().Be("There is feedback on 0 of 400 rows, and 30 are the fewest to measure by.");
        Of(check, SignalNames.EstimatedPerformance).Text.Should().Contain("the next run's version has it");
    }

    [Theory]
    [InlineData(TaskKind.Binary)]
    [InlineData(TaskKind.Multiclass)]
    public async Task Classes_are_compared_by_their_shares_and_measured_by_what_they_turn_out_to_be(TaskKind task)
    {
        var definition = new PipelineDefinition
        {
            Model = model,
            Target = "class",
            Columns = new Dictionary<string, ColumnRule> { ["b"] = new() { Impute = new ImputeRule(ImputeStrategy.Median) } },
            Train = new TrainRules { Folds = 0 },
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 20 }],
            Monitor = new MonitorRules { MinRows = 300 },
        };
        await using var host = await ServingAsync(definition, "a,b,class\n" + string.Join(
            '\n', Classes(2000, task, seed: 1).Select(row => string.Create(CultureInfo.InvariantCulture, $"{row.A},{row.B},{row.Class}"))));

        var usual = await ClassesAsync(host, task, seed: 2, rows => rows);
        // Only rows of one side are left, and every second one has no b any more.
        var moved = await ClassesAsync(host, task, seed: 3, rows => rows.Where(row => row.A > 0.4), withoutB: true);

        usual.Signals.Should().OnlyContain(signal => signal.Verdict == SignalVerdict.Ok, string.Join(' ', usual.Signals));
        var (measured, estimated) = (Of(usual, SignalNames.Performance), Of(usual, SignalNames.EstimatedPerformance));
        measured.Rows.Should().Be(600);
        // 600 rows: the standard error of an AUC of 0.9 is 0.012, of the log loss about 0.025.
        estimated.Value.Should().BeApproximately(measured.Value!.Value, 0.1);
        Of(moved, SignalNames.PredictionDrift).Verdict.Should().Be(SignalVerdict.Warning);
        Of(moved, SignalNames.PredictionDrift).Parts.Should().Contain(
            part => part.Name == (task == TaskKind.Binary ? "share of c1" : "share of c2") && part.Value > part.Reference + 0.2);
        Of(moved, SignalNames.DataQuality).Text.Should().Contain("b, missing, 50% after 0%");
    }

    [Fact]
    public async Task A_window_of_rows_closes_with_the_minute_in_which_it_is_full()
    {
        await using var host = await ServingAsync(
            Trips.Definition(model) with { Monitor = new MonitorRules { Rows = 300, MinRows = 1 } }, Trips.Csv(1500, seed: 100));
        clock.Now = new DateTimeOffset(2026, 5, 4, 3, 0, 10, TimeSpan.Zero);
        await PredictAsync(host, LiveTrips.Rows(200, seed: 1));
        clock.Now += TimeSpan.FromMinutes(2);
        await host.LookAsync();
        var early = await NewestAsync(host);
        await PredictAsync(host, LiveTrips.Rows(150, seed: 2));
        clock.Now += TimeSpan.FromSeconds(20);
        // Of the same minute, and not needed to fill it: they belong to the window all the same.
        await PredictAsync(host, LiveTrips.Rows(10, seed: 3));
        clock.Now += TimeSpan.FromMinutes(1);
        await host.LookAsync();
        var settling = await NewestAsync(host);
        clock.Now += TimeSpan.FromMinutes(10);
        await PredictAsync(host, LiveTrips.Rows(20, seed: 4));
        await host.LookAsync();

        early.Should().BeNull("200 rows are no 300");
        settling.Should().BeNull("a host may still have rows of that minute to write");
        var check = (await NewestAsync(host))!;
        (check.Rows, check.Until).Should().Be((360, new DateTimeOffset(2026, 5, 4, 3, 3, 0, TimeSpan.Zero)));
        clock.Now += TimeSpan.FromMinutes(10);
        await PredictAsync(host, LiveTrips.Rows(300, seed: 5));
        clock.Now += TimeSpan.FromMinutes(3);
        await host.LookAsync();
        var next = (await NewestAsync(host))!;
        (next.From, next.Rows).Should().Be((check.Until, 320), "no row is lost between two windows, and none is in both");
    }

    [Fact]
    public async Task What_is_told_late_is_measured_once_it_is_due_on_the_rows_that_it_is_about()
    {
        var rules = new SignalRules { Performance = new() { Delay = TimeSpan.FromHours(1) } };
        await using var host = await ServingAsync(
            Trips.Definition(model) with { Monitor = new MonitorRules { MinRows = 60, Signals = rules } }, Trips.Csv(1500, seed: 100));
        string[] keys = [.. Enumerable.Range(0, 100).Select(i => string.Create(CultureInfo.InvariantCulture, $"rider-{i}"))];

        clock.Now += TimeSpan.FromHours(1);
        var first = await PredictAsync(host, LiveTrips.Rows(100, seed: 1), keys);
        var before = await LookAsync(host);
        clock.Now += TimeSpan.FromMinutes(59);
        // Forty of them again, and others: what is told of their keys from now on is about this time.
        await PredictAsync(host, LiveTrips.Rows(70, seed: 2), [.. keys[..40], .. Enumerable.Range(0, 30).Select(i => $"other-{i}")]);
        var actuals = Fares(100, seed: 1);
        await host.Get<FeedbackStore>().AddAsync(model, [.. keys.Zip(actuals, (key, actual) => new FeedbackItem(null, key, actual, clock.Now))], default);
        var onFirst = await LookAsync(host);
        clock.Now += TimeSpan.FromMinutes(59);
        await PredictAsync(host, LiveTrips.Rows(60, seed: 3));
        var onSecond = await LookAsync(host);

        Of(before, SignalNames.Performance).Text.Should().Be("Version 1 predicted no rows of 2026-05-03 02:31 to 2026-05-04 02:31 UTC.");
        var measured = Of(onFirst, SignalNames.Performance);
        measured.Rows.Should().Be(60, "forty keys have been predicted again before their truth was told");
        measured.Text.Should().Contain("on 60 rows with feedback of 2026-05-04 02:31 to 2026-05-04 03:31 UTC, and was");
        var errors = first.Predictions.Zip(actuals).Skip(40).Select(row => row.First.Score - double.Parse(row.Second, CultureInfo.InvariantCulture));
        measured.Value.Should().BeApproximately(Math.Sqrt(errors.Average(error => error * error)), 1e-4);
        onFirst.Rows.Should().Be(70, "all other signals are of the window");
        Of(onSecond, SignalNames.Performance).Rows.Should().Be(40);
    }

    [Fact]
    public async Task Decay_starts_a_run_that_says_why_and_no_more_of_them_than_allowed()
    {
        var rules = new TriggerRules { Decay = true, CoolDown = TimeSpan.FromHours(3), PerDay = 2 };
        await using var host = await ServingAsync(Trips.Definition(model) with { RunOn = rules }, Trips.Csv(1500, seed: 100));
        var checks = new List<LiveDriftCheck>();
        for (var i = 0; i < 5; i++)
        {
            // Each time another file, so that only the rules keep runs from starting.
            await host.Get<PipelineStorage>().Raw.GetBlobClient($"{model}/trips-{i}.csv").UploadAsync(BinaryData.FromString(Trips.Csv(600, seed: 50 + i)));
            checks.Add(await WindowAsync(host, LiveTrips.Rows(400, seed: i), Fares(400, seed: i, factor: 2)));
            clock.Now += TimeSpan.FromHours(1);
        }

        var runs = (await host.Get<RunStore>().ListAsync(model, 20, default)).Where(run => run.Trigger == "decay").ToList();
        runs.Should().HaveCount(2);
        runs.Should().OnlyContain(run => run.Reason!.StartsWith("performance: rmse is ", StringComparison.Ordinal));
        checks.Select(check => check.RunId is not null).Should().Equal(true, false, true, false, false);
        checks[1].RunProblem.Should().Contain("runOn.coolDown is 03:00:00");
        checks[4].RunProblem.Should().Contain("runOn.perDay is 2");
    }

    [Fact]
    public async Task Rows_that_have_come_since_the_last_run_start_one()
    {
        await using var host = await ServingAsync(Trips.Definition(model) with { RunOn = new TriggerRules { Rows = 1000 } }, Trips.Csv(1500, seed: 100));
        var trigger = host.Get<RowsTrigger>();
        await trigger.LookAsync(default);
        var none = await StartedAsync(host);
        foreach (var (seed, rows) in new[] { (60, 600), (61, 500) })
        {
            clock.Now += TimeSpan.FromHours(1);
            var blob = $"{model}/trips-{seed.ToString(CultureInfo.InvariantCulture)}.csv";
            await host.Get<PipelineStorage>().Raw.GetBlobClient(blob).UploadAsync(BinaryData.FromString(Trips.Csv(rows, seed)));
            await host.Get<RunStarter>().StartAsync(new RunRequest(model, $"raw/{blob}", "file") { Goal = RunGoal.Dataset }, default);
            await trigger.LookAsync(default);
            if (rows == 600)
            {
                (await StartedAsync(host)).Should().BeEmpty("600 rows are no 1,000");
            }
        }

        none.Should().BeEmpty("the version in production is made of all rows that there are");
        var started = (await StartedAsync(host)).Should().ContainSingle().Subject;
        started.Reason.Should().StartWith("1,100 rows have come in 2 dataset versions, since run ");
        started.Source.Should().StartWith($"raw/{model}/trips-", "storage tells files of one second apart by nothing");
        await trigger.LookAsync(default);
        (await StartedAsync(host)).Should().ContainSingle("that run is the last one now");
    }

    [Fact]
    public void The_gain_of_an_order_is_that_of_its_definition()
    {
        var then = new Dictionary<string, double> { ["a"] = 3, ["b"] = 2, ["c"] = 1 };

        AttributionDriftSignal.Ndcg(then, new Dictionary<string, double> { ["a"] = 30, ["b"] = 3, ["c"] = 0.1 }).Should().Be(1);
        // (1 + 2 / log2 3 + 3 / log2 4) / (3 + 2 / log2 3 + 1 / log2 4)
        AttributionDriftSignal.Ndcg(then, new Dictionary<string, double> { ["a"] = 1, ["b"] = 2, ["c"] = 3 }).Should().BeApproximately(0.78999, 1e-5);
    }

    private static SignalResult Of(LiveDriftCheck check, string signal) => check.Signals.Single(result => result.Signal == signal);

    private async Task<MonitorHost> ServingAsync(PipelineDefinition definition, string csv)
    {
        var host = new MonitorHost(azurite, services => services
            .AddSingleton<TimeProvider>(clock)
            .AddSingleton(new AlertOptions { SlackWebhookUrl = slack.Url, BaseUrl = new Uri("https://mlops.example"), Attempts = 1 })
            .AddSingleton(new PredictionLogOptions { WriteEvery = TimeSpan.FromMilliseconds(20) }));
        definition = definition.Monitor == new MonitorRules() ? definition with { Monitor = new MonitorRules { MinRows = 300 } } : definition;
        var run = await host.Pipeline.RunAsync(definition with { RunOn = new TriggerRules() }, host.Pipeline.WriteFile("rows.csv", csv));
        run.Run.Promoted.Should().BeTrue(run.Run.Error);
        // No later run takes the first version's place.
        await host.Get<DefinitionStore>().PutAsync(definition with { Gates = new GateRules { BetterBy = 1000 } }, default);
        slack.Calls.Clear();
        return await host.StartAsync();
    }

    /// <summary>Predicts rows, tells what comes true of them, and lets the host look.</summary>
    private async Task<LiveDriftCheck> WindowAsync(MonitorHost host, IReadOnlyList<string> rows, IReadOnlyList<string>? actuals = null)
    {
        clock.Now += TimeSpan.FromHours(1);
        var answer = await PredictAsync(host, rows);
        if (actuals is not null)
        {
            var told = answer.Ids.Zip(actuals, (id, actual) => new FeedbackItem(id, null, actual, clock.Now)).ToList();
            await host.Get<FeedbackStore>().AddAsync(model, told, default);
        }
        return await LookAsync(host);
    }

    /// <summary>Lets the host look a minute later.</summary>
    private async Task<LiveDriftCheck> LookAsync(MonitorHost host)
    {
        clock.Now += TimeSpan.FromMinutes(1);
        await host.LookAsync();
        return (await NewestAsync(host))!;
    }

    private async Task<PredictionResult.Predicted> PredictAsync(MonitorHost host, IReadOnlyList<string> rows, IReadOnlyList<string>? keys = null)
    {
        var answer = await host.PredictAsync(model, rows, keys);
        await host.WrittenAsync();
        return answer;
    }

    private Task<LiveDriftCheck?> NewestAsync(MonitorHost host) => host.Get<LiveDriftStore>().FindNewestAsync(model, default);

    private Task<ModelVersion> VersionAsync(MonitorHost host) => host.Get<ModelRegistry>().GetAsync(model, 1, default);

    private async Task<IReadOnlyList<Run>> StartedAsync(MonitorHost host) =>
        [.. (await host.Get<RunStore>().ListAsync(model, 20, default)).Where(run => run.Trigger == "rows")];

    private async Task RemoveAsync(MonitorHost host, params string[] files)
    {
        var version = await VersionAsync(host);
        foreach (var file in files)
        {
            (await host.Get<PipelineStorage>().Artifacts.DeleteBlobIfExistsAsync($"{version.ModelBlobs}/{file}")).Value.Should().BeTrue();
        }
    }

    /// <summary>Predicts rows of classes, tells what they are, and lets the host look.</summary>
    private Task<LiveDriftCheck> ClassesAsync(
        MonitorHost host, TaskKind task, int seed, Func<IEnumerable<ClassRow>, IEnumerable<ClassRow>> which, bool withoutB = false)
    {
        var rows = which(Classes(3000, task, seed)).Take(600).ToList();
        return WindowAsync(
            host,
            [
                .. rows.Select((row, i) => string.Create(
                    CultureInfo.InvariantCulture, $$"""{"a": {{row.A}}, "b": {{(withoutB && i % 2 == 0 ? "null" : row.B)}}}""")),
            ],
            [.. rows.Select(row => row.Class)]);
    }

    /// <summary>Rows whose class depends on both columns, and a little on chance.</summary>
    private static IEnumerable<ClassRow> Classes(int rows, TaskKind task, int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < rows; i++)
        {
            var (a, b) = (Math.Round(random.NextDouble(), 3), Math.Round(random.NextDouble(), 3));
            var sum = a + b + (0.3 * (random.NextDouble() - 0.5));
            yield return new ClassRow(a, b.ToString(CultureInfo.InvariantCulture), (task, sum) switch
            {
                (TaskKind.Binary, > 1) => "c1",
                (TaskKind.Binary, _) => "c0",
                (_, > 1.2) => "c2",
                (_, > 0.8) => "c1",
                _ => "c0",
            });
        }
    }

    private sealed record ClassRow(double A, string B, string Class);

    private static IReadOnlyList<string> Fares(int rows, int seed, double factor = 1) =>
    [
        .. Trips.Csv(rows, seed).TrimEnd('\n').Split('\n').Skip(1)
            .Select(line => (factor * double.Parse(line.Split(',')[^1], CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture)),
    ];
}
