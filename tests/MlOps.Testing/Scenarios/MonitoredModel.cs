using System.Globalization;
using System.Text.Json;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Pipeline.Stages.ModelCard;
using MlOps.Pipeline.Tracking;
using MlOps.Serving;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Predictions;
using MlOps.Serving.Triggers;

namespace MlOps.Testing.Scenarios;

/// <summary>The whole way round: predictions drift, which is seen and told; a run starts, its version is promoted, and that the drift is over is told too.
/// </summary>
public static class MonitoredModel
{
    private const int Rows = 200;
    private const double Farther = 3;

    public static async Task GoesRoundAsync(Func<Action<IServiceCollection>, Task<EngineUnderTest>> start)
    {
        await using var slack = await SlackEndpoint.StartAsync();
        var clock = new ShiftedClock();
        await using var engine = await start(services => services
            .AddSingleton<TimeProvider>(clock)
            .AddSingleton(new AlertOptions { SlackWebhookUrl = slack.Url, BaseUrl = new Uri("https://mlops.example"), Attempts = 1 })
            .AddSingleton(new PredictionLogOptions { WriteEvery = TimeSpan.FromMilliseconds(20) })
            .AddMlOpsServing().AddPredictionLog().AddTriggers());
        var writer = engine.Host.Get<IEnumerable<IHostedService>>().Single(service => service.GetType().Name == "PredictionLogWriter");
        await writer.StartAsync(CancellationToken.None);
        var definition = Trips.Definition() with
        {
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 10 }],
            RunOn = new TriggerRules(Drift: true),
            Monitor = new MonitorRules { MinRows = Rows, Every = TimeSpan.FromMinutes(1) },
        };
        var first = await engine.EndOfAsync(await engine.SubmitAsync(definition, Trips.Csv(600)));
        first.Run.Promoted.Should().BeTrue();
        // The one file there is from now on: storage does not tell apart what comes within one second.
        await engine.Host.Storage.Raw.DeleteBlobAsync(first.Run.Source["raw/".Length..]);
        var blob = $"{definition.Model}/farther.csv";
        await engine.Host.Storage.Raw.GetBlobClient(blob).UploadAsync(BinaryData.FromString(TripsCsv(600, seed: 2)));
        slack.Calls.Clear();

        var drifted = await WindowAsync(engine, clock, definition.Model, version: 1);
        var told = Titles(slack);
        var run = await engine.EndOfAsync((await engine.Runs.FindAsync(drifted.RunId!, CancellationToken.None))!);
        (run.Run.State, run.Run.Trigger, run.Run.Promoted, run.Run.Version).Should().Be((RunState.Succeeded, "drift", true, 2), run.Run.Error);
        slack.Calls.Clear();
        var after = await WindowAsync(engine, clock, definition.Model, version: 2);
        await writer.StopAsync(CancellationToken.None);

        Of(drifted, SignalNames.PredictionDrift).Verdict.Should().Be(SignalVerdict.Warning);
        told.Should().Equal($"{definition.Model}: live rows have drifted from what version 1 was trained on");
        drifted.Alert!.Reasons.Should().Contain(reason => reason.StartsWith("prediction drift is a warning: ", StringComparison.Ordinal));
        run.Run.Source.Should().Be("raw/" + blob);
        run.Run.Reason.Should().StartWith("3 of 6 columns of the live rows differ");
        var card = run.Artifacts.Single(artifact => artifact.Path == ModelCardStage.MarkdownFile);
        (await engine.Host.Storage.Artifacts.GetBlobClient(card.Blob).DownloadContentAsync()).Value.Content.ToString().Should()
            .Contain("Started by itself").And.Contain("drift: 3 of 6 columns");
        Of(after, SignalNames.PredictionDrift).Verdict.Should().Be(SignalVerdict.Ok);
        (after.Drifted, after.RunId).Should().Be((false, null));
        Titles(slack).Should().ContainSingle().Which.Should().StartWith($"{definition.Model}: prediction drift").And.EndWith("over (version 2)");
    }

    private static SignalResult Of(LiveDriftCheck check, string signal) => check.Signals.Single(result => result.Signal == signal);

    private static IReadOnlyList<string> Titles(SlackEndpoint slack) => [.. slack.Calls.Select(call => call.Message.GetProperty("text").GetString()!)];

    /// <summary>Predicts long trips with a version, and looks until a check has seen them all.</summary>
    private static async Task<LiveDriftCheck> WindowAsync(EngineUnderTest engine, ShiftedClock clock, string model, int version)
    {
        await Eventually.IsTrueAsync(async () => await PredictAsync(1) == version, () => $"version {version} does not answer");
        var missing = Rows - 1;
        (await PredictAsync(missing)).Should().Be(version);
        LiveDriftCheck? found = null;
        await Eventually.IsTrueAsync(
            async () =>
            {
                // What a host has predicted is written a moment later; a look that came too early is made up for when the time has passed.
                clock.Shift += TimeSpan.FromMinutes(1.1);
                await engine.Host.Get<LiveDriftTrigger>().LookAsync(CancellationToken.None);
                found = await engine.Host.Get<LiveDriftStore>().FindNewestAsync(model, CancellationToken.None);
                return found?.Version == version;
            },
            () => $"the newest check is {found?.Version}, {found?.Rows} rows");
        return found!;

        async Task<int> PredictAsync(int rows)
        {
            using var body = JsonDocument.Parse($"[{string.Join(',', TripsJson(rows, seed: 3))}]");
            var answer = await engine.Host.Get<PredictionService>().PredictAsync(model, [.. body.RootElement.EnumerateArray()], CancellationToken.None);
            return answer.Should().BeOfType<PredictionResult.Predicted>().Subject.Version;
        }
    }

    private static IEnumerable<string[]> Cells(int rows, int seed) => Trips.Csv(rows, seed).TrimEnd('\n').Split('\n').Skip(1).Select(line => line.Split(','));

    private static string TripsCsv(int rows, int seed) => string.Join('\n', Cells(rows, seed)
        .Select(cells => $"{cells[0]},{cells[1]},{Far(cells[2])},{Far(cells[3])},{cells[4]},{Far(cells[5])}").Prepend(Trips.Header));

    private static IEnumerable<string> TripsJson(int rows, int seed) => Cells(rows, seed).Select(cells =>
        $$"""{"vendor":"{{cells[0]}}","passengers":{{cells[1]}},"seconds":{{Far(cells[2])}},"miles":{{Far(cells[3])}},"payment":"{{cells[4]}}"}""");

    private static string Far(string cell) =>
        (Farther * double.Parse(cell, CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture);

    /// <summary>The time, and more of it when a test does not want to wait.</summary>
    private sealed class ShiftedClock : TimeProvider
    {
        public TimeSpan Shift { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Shift;

        public override long GetTimestamp() => base.GetTimestamp() + (long)(Shift.TotalSeconds * TimestampFrequency);
    }
}
