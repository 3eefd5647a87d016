using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.OpenLineage;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.OpenLineage;

/// <summary>On a storage of its own, as what waits of any run is told.</summary>
public sealed class LineageEventTests : IAsyncLifetime
{
    private readonly AzuriteFixture azurite = new();
    private readonly FakeTimeProvider time = new(DateTimeOffset.UtcNow);
    private readonly Warnings log = new();
    private readonly PipelineDefinition definition = Trips.Definition();
    private LineageReceiver receiver = null!;
    private PipelineHost host = null!;

    public async Task InitializeAsync()
    {
        await azurite.InitializeAsync();
        receiver = await LineageReceiver.StartAsync();
        host = NewHost();
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await receiver.DisposeAsync();
        await azurite.DisposeAsync();
    }

    [Fact]
    public async Task A_run_is_told_once_when_it_began_and_once_how_it_ended_and_the_published_schema_takes_it()
    {
        var run = await RunAsync();

        (await SendAsync()).Should().Be(2);
        (await SendAsync()).Should().Be(0);

        receiver.TypesOf(IdOf(run)).Should().Equal("START", "COMPLETE");
        receiver.Taken.SelectMany(LineageSchemas.ProblemsOf).Should().BeEmpty();
        receiver.Authorization.Should().Be("Bearer s3cret");
        var end = receiver.Taken.Last();
        ((string)end["job"]!["namespace"]!, (string)end["job"]!["name"]!).Should().Be(("mlops", definition.Model));
        var input = end["inputs"]!.AsArray().Should().ContainSingle().Subject!;
        ((string)input["namespace"]!, (string)input["name"]!).Should().Be(("wasbs://raw@devstoreaccount1", $"{definition.Model}/may.csv"));
        ((int)input["inputFacets"]!["inputStatistics"]!["rowCount"]!).Should().Be(300);
        var outputs = end["outputs"]!.AsArray().ToDictionary(output => (string)output!["name"]!, output => output!);
        outputs.Keys.Should().BeEquivalentTo(
            DataEntry.Stages.Except(["test", DataEntry.Input, DataEntry.Score]).Select(stage => $"{definition.Model}/{stage}").Append(definition.Model));
        var lineage = (await host.Get<DataLog>().ListOfRunAsync(definition.Model, run.RunId, default)).ToDictionary(use => use.Stage, use => use.Id);
        ((string)outputs[$"{definition.Model}/clean"]["facets"]!["version"]!["datasetVersion"]!).Should().Be(lineage["clean"]);
        ((string)outputs[definition.Model]["facets"]!["version"]!["datasetVersion"]!).Should().Be("1");
        ((int)outputs[$"{definition.Model}/raw"]["outputFacets"]!["outputStatistics"]!["fileCount"]!).Should().BePositive();
        var quality = outputs[$"{definition.Model}/train"]["facets"]!["dataQualityMetrics"]!["columnMetrics"]!.AsObject();
        quality.Should().ContainKey("miles");
        ((double)quality["miles"]!["min"]!).Should().BeLessThan((double)quality["miles"]!["max"]!);
        LineageSchemas.NamesIn(end).Should().Contain(["schema", "version", "dataSource", "datasetType", "jobType", "outputStatistics", "inputStatistics"]);
        DateTimeOffset.Parse((string)receiver.Taken.First()["eventTime"]!).Should().BeOnOrBefore(DateTimeOffset.Parse((string)end["eventTime"]!));
    }

    [Fact]
    public async Task A_run_of_a_version_has_it_as_input_and_a_scheduled_one_tells_when_it_was_due()
    {
        await RunAsync();
        var due = new DateTimeOffset(2026, 11, 20, 3, 0, 0, TimeSpan.Zero);
        var run = await host.Get<RunStarter>().StartAsync(
            new RunRequest(definition.Model, null, "schedule") { Data = "latest", RunId = RunId.Of(definition.Model, due, "0 0 3 * * *") }, default);

        await SendAsync();

        receiver.TypesOf(IdOf(run)).Should().Equal("START", "COMPLETE");
        var end = receiver.Taken.Last(told => (string)told["run"]!["runId"]! == IdOf(run).ToString());
        LineageSchemas.ProblemsOf(end).Should().BeEmpty();
        ((string)end["inputs"]![0]!["name"]!).Should().Be($"{definition.Model}/raw");
        ((string)end["inputs"]![0]!["facets"]!["version"]!["datasetVersion"]!).Should().Be(StoredSource.IdOf(run.Source));
        end["outputs"]!.AsArray().Select(output => (string)output!["name"]!).Should().NotContain($"{definition.Model}/raw");
        ((string)end["run"]!["facets"]!["nominalTime"]!["nominalStartTime"]!).Should().Be("2026-11-20T03:00:00.000Z");
    }

    [Fact]
    public async Task Runs_that_only_read_score_or_bring_into_production_are_told_with_what_they_had_to_do_with()
    {
        var model = definition.Model;
        await RunAsync();
        await host.Storage.Raw.GetBlobClient($"{model}/june.csv").UploadAsync(BinaryData.FromString(Trips.Csv(120, 2)));
        var ingest = await host.Get<RunStarter>().StartAsync(new RunRequest(model, $"raw/{model}/june.csv", "test") { Goal = RunGoal.Dataset }, default);
        var score = await host.Get<ScoreStarter>().StartAsync(model, new ScoreWish(Data: "latest"), "test", default);
        var canary = await CreateAsync(begun: true, run => run with { Goal = RunGoal.Canary, Version = 1, Source = $"models/{model}/versions/1" });
        await host.Get<RunStore>().MarkEndedAsync(canary.RunId, RunState.Succeeded, null, default);

        await SendAsync();

        receiver.Taken.SelectMany(LineageSchemas.ProblemsOf).Should().BeEmpty();
        foreach (var run in new[] { ingest, score, canary })
        {
            receiver.TypesOf(IdOf(run)).Should().Equal("START", "COMPLETE");
        }
        Told(ingest).Should().Be($"INGESTION {model}.ingest: {model}/june.csv -> {model}/raw");
        Told(score).Should().Be($"SCORING {model}.score: {model}/raw, {model} -> {model}/score");
        Told(canary).Should().Be($"CANARY {model}.canary: {model} -> ");

        string Told(Run run)
        {
            var end = receiver.Taken.Last(told => (string)told["run"]!["runId"]! == IdOf(run).ToString());
            return $"{end["job"]!["facets"]!["jobType"]!["jobType"]} {end["job"]!["name"]}: {Names("inputs")} -> {Names("outputs")}";

            string Names(string side) => string.Join(", ", end[side]!.AsArray().Select(dataset => (string)dataset!["name"]!));
        }
    }

    [Fact]
    public async Task A_failed_run_fails_with_its_error_and_a_cancelled_one_is_aborted()
    {
        await host.Get<DefinitionStore>().PutAsync(definition, default);
        var failed = await host.Get<RunStarter>().StartAsync(definition.Model, Path.Combine(host.WorkFolder, "none.csv"), "test", default);
        var runs = host.Get<RunStore>();
        var cancelled = await CreateAsync(begun: true);
        await runs.MarkEndedAsync(cancelled.RunId, RunState.Cancelled, "wrong file", default);
        var never = await CreateAsync(begun: false);
        await runs.MarkEndedAsync(never.RunId, RunState.Cancelled, "wrong file", default);

        await SendAsync();

        receiver.TypesOf(IdOf(failed)).Should().Equal("START", "FAIL");
        receiver.TypesOf(IdOf(cancelled)).Should().Equal("START", "ABORT");
        receiver.TypesOf(IdOf(never)).Should().BeEmpty("it never began");
        receiver.Taken.SelectMany(LineageSchemas.ProblemsOf).Should().BeEmpty();
        var fault = receiver.Taken.Single(told => (string)told["eventType"]! == "FAIL");
        ((string)fault["run"]!["facets"]!["errorMessage"]!["message"]!).Should().Contain("none.csv");
        (await host.Get<LineageOutbox>().ReadAsync(time.GetUtcNow(), default)).Should().BeEmpty("all is told");
    }

    [Fact]
    public async Task What_the_receiver_does_not_take_comes_later_and_stops_no_run()
    {
        receiver.Answer = (call, _) => call switch { 1 => 503, 2 => -1, 3 => 500, _ => 200 };
        var run = await RunAsync();

        for (var look = 0; look < 3; look++)
        {
            (await SendAsync()).Should().Be(0);
            (await SendAsync()).Should().Be(0, "a receiver that fails is left alone for a while");
            time.Advance(TimeSpan.FromMinutes(5));
        }
        (await SendAsync()).Should().Be(2);

        run.State.Should().BeOneOf(RunState.Succeeded, RunState.Blocked);
        receiver.TypesOf(IdOf(run)).Should().Equal("START", "COMPLETE");
        log.Lines.Should().ContainSingle(line => line.Contains("sent again later", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_never_taken_is_told_as_lost()
    {
        receiver.Answer = (_, told) => (string)told["eventType"]! == "START" ? 422 : 503;
        var run = await RunAsync();

        await SendAsync();
        Lost().Should().ContainSingle().Which.Should().Contain(run.RunId).And.Contain("START").And.Contain("422");
        time.Advance(TimeSpan.FromHours(25));
        await SendAsync();
        receiver.Answer = (_, _) => 200;
        time.Advance(TimeSpan.FromHours(1));
        (await SendAsync()).Should().Be(0);

        Lost().Should().HaveCount(2).And.ContainSingle(line => line.Contains("COMPLETE") && line.Contains("503"));
        receiver.Taken.Should().BeEmpty();

        IReadOnlyList<string> Lost() => [.. log.Lines.Where(line => line.Contains("is lost", StringComparison.Ordinal))];
    }

    [Fact]
    public async Task Two_hosts_tell_nothing_twice()
    {
        await using var other = NewHost();
        var runs = new List<Run>();
        for (var i = 0; i < 6; i++)
        {
            var run = await CreateAsync(begun: true);
            runs.Add(await host.Get<RunStore>().MarkEndedAsync(run.RunId, RunState.Failed, "no", default));
        }

        await Task.WhenAll(Enumerable.Range(0, 6).Select(i => (i % 2 == 0 ? host : other).Get<LineageSender>().SendDueAsync(default)));

        foreach (var run in runs)
        {
            receiver.TypesOf(IdOf(run)).Should().Equal("START", "FAIL");
        }
    }

    [Fact]
    public async Task A_run_that_works_is_told_of_once_and_how_it_ends_later()
    {
        var run = await CreateAsync(begun: true);
        await SendAsync();
        await SendAsync();
        receiver.TypesOf(IdOf(run)).Should().Equal("START");

        // The host dies here, and the next one closes the run.
        await using var next = NewHost();
        await next.Get<RunStore>().MarkEndedAsync(run.RunId, RunState.Failed, "its orchestration ended", default);
        await next.Get<LineageSender>().SendDueAsync(default);

        receiver.TypesOf(IdOf(run)).Should().Equal("START", "FAIL");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_host_that_died_after_sending_leaves_the_same_event_to_the_next_when_its_claim_is_over(bool isClockSetBack)
    {
        var run = await CreateAsync(begun: true);
        await host.Get<RunStore>().MarkEndedAsync(run.RunId, RunState.Failed, "no", default);
        using var killed = new CancellationTokenSource();
        receiver.Answer = (_, _) =>
        {
            killed.Cancel();
            return 200;
        };
        await host.Get<LineageSender>().Awaiting(sender => sender.SendDueAsync(killed.Token)).Should().ThrowAsync<OperationCanceledException>();
        receiver.Answer = (_, _) => 200;
        await using var next = NewHost();
        await next.Get<LineageSender>().SendDueAsync(default);
        receiver.TypesOf(IdOf(run)).Should().Equal(["START"], "the first host may still be at it");

        time.AdjustTime(time.GetUtcNow() + (isClockSetBack ? -TimeSpan.FromHours(1) : TimeSpan.FromMinutes(3)));
        await next.Get<LineageSender>().SendDueAsync(default);

        receiver.TypesOf(IdOf(run)).Should().Equal("START", "START", "FAIL");
        receiver.Taken.Take(2).Select(told => told.ToJsonString()).Distinct().Should().ContainSingle("receivers know it as the same");
    }

    [Fact]
    public async Task Where_nobody_is_told_nothing_is_noted()
    {
        await using var quiet = new PipelineHost(azurite);

        await quiet.RunAsync(definition, quiet.WriteFile("may.csv", Trips.Csv(100, 1)));

        (await quiet.Get<LineageOutbox>().ReadAsync(time.GetUtcNow(), default)).Should().BeEmpty();
        (await quiet.Get<LineageSender>().SendDueAsync(default)).Should().Be(0);
    }

    [Theory]
    [InlineData("http://marquez:5000", null, "http://marquez:5000/api/v1/lineage")]
    [InlineData("https://lineage.example/base/", null, "https://lineage.example/base/api/v1/lineage")]
    [InlineData("https://lineage.example", "events", "https://lineage.example/events")]
    [InlineData("https://lineage.example/my/lineage?code=x", null, "https://lineage.example/my/lineage?code=x")]
    public void The_address_is_a_receivers_or_its_endpoints(string url, string? endpoint, string expected) =>
        OpenLineageSettings.Read(Settings(("OPENLINEAGE_URL", url), ("OPENLINEAGE_ENDPOINT", endpoint))).Endpoint.Should().Be(new Uri(expected));

    [Fact]
    public void Settings_that_are_none_are_refused_without_what_they_say()
    {
        FluentActions.Invoking(() => OpenLineageSettings.Read(Settings(("OpenLineage:Url", "s3cret")))).Should().Throw<InputException>()
            .WithMessage("*OpenLineage:Url*").Which.Message.Should().NotContain("s3cret");
        FluentActions.Invoking(() => OpenLineageSettings.Read(Settings(("OpenLineage:TimeoutSeconds", "0")))).Should().Throw<InputException>();
        Options().ToString().Should().NotContain("s3cret").And.NotContain("127.0.0.1");
    }

    private static IConfiguration Settings(params (string Key, string? Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.ToDictionary(setting => setting.Key, setting => setting.Value)).Build();

    private OpenLineageOptions Options() => new()
    {
        Endpoint = new Uri(receiver.Url, "api/v1/lineage"),
        ApiKey = "s3cret",
        Timeout = TimeSpan.FromSeconds(2),
    };

    private PipelineHost NewHost() => new(
        azurite,
        services => services.Replace(ServiceDescriptor.Singleton(Options())).AddSingleton<TimeProvider>(time).AddSingleton<ILoggerProvider>(log));

    private static Guid IdOf(Run run) => LineageEvents.IdOf(run.RunId);

    private Task<int> SendAsync() => host.Get<LineageSender>().SendDueAsync(default);

    private async Task<Run> RunAsync()
    {
        await host.Get<DefinitionStore>().PutAsync(definition, default);
        await host.Storage.Raw.GetBlobClient($"{definition.Model}/may.csv").UploadAsync(BinaryData.FromString(Trips.Csv(300, 1)), overwrite: true);
        time.Advance(TimeSpan.FromSeconds(1));
        var run = await host.Get<RunStarter>().StartAsync(definition.Model, null, "test", default);
        time.Advance(TimeSpan.FromSeconds(1));
        return (await host.Get<RunStore>().FindAsync(run.RunId, default))!;
    }

    /// <summary>A run that no engine works on.</summary>
    private async Task<Run> CreateAsync(bool begun, Func<Run, Run>? with = null)
    {
        var run = (with ?? (given => given))(new Run
        {
            RunId = RunId.New(definition.Model, time.GetUtcNow()),
            Model = definition.Model,
            State = begun ? RunState.Running : RunState.Queued,
            DefinitionId = "",
            Source = $"raw/{definition.Model}/may.csv",
            Trigger = "test",
            Created = time.GetUtcNow(),
            Started = begun ? time.GetUtcNow() : null,
        });
        await host.Get<LineageOutbox>().AddAsync(run.RunId, default);
        await host.Get<RunStore>().CreateAsync(run, default);
        return run;
    }

    private sealed class Warnings : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
