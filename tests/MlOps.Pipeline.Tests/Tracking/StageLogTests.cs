using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Tracking;

/// <summary>What a stage says is on its run: while it works, in order, once, and never in its way.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class StageLogTests(AzuriteFixture azurite)
{
    private static readonly Stage<ProbeInput, ProbeOutput> Probe = Stage.Of<ProbeStage, ProbeInput, ProbeOutput>();

    private readonly string runId = RunId.New(AzuriteFixture.UniqueModel(), DateTimeOffset.UtcNow);

    /// <summary>The host's own log takes warnings alone, as hosts do without --verbose.</summary>
    [Fact]
    public async Task A_stage_that_fails_and_is_tried_again_has_one_log_of_all_that_it_said()
    {
        await using var host = Host();

        await host.Invoking(one => RunAsync(one, "no file")).Should().ThrowAsync<InputException>();
        await RunAsync(host, problem: null);

        var text = await ReadAsync(host);
        Said(text).Should().Equal(
            "INFO  started", "INFO  12,000 rows", "WARN  odd", "INFO  by a logger", "ERROR failed: no file",
            "INFO  started again, attempt 2: the one before has failed", "INFO  12,000 rows", "WARN  odd", "INFO  by a logger",
            $"INFO  done in # s, 7 rows");
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Should().OnlyContain(line => Regex.IsMatch(line, @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "));
    }

    [Fact]
    public async Task A_stage_whose_host_was_killed_goes_on_in_its_log()
    {
        await using var host = Host();
        await host.Get<RunStore>().LogStageAsync(runId, new StageStatus(ProbeStage.Name, "", StageState.Running, DateTimeOffset.UtcNow, Attempts: 1), default);
        await using (var before = Open(host))
        {
            before.Write(LogLevel.Information, "started");
        }

        await RunAsync(host, problem: null);

        Said(await ReadAsync(host)).Should().StartWith(["INFO  started", "INFO  started again, attempt 2: the one before broke off"]);
    }

    [Fact]
    public async Task Lines_come_while_the_stage_works_and_from_any_byte_on()
    {
        await using var host = Host(services => services.AddSingleton(new StageLogOptions { Every = TimeSpan.FromMilliseconds(20) }));
        await using var log = Open(host);
        log.Write(LogLevel.Information, "first");
        StageLogPart part = new(ProbeStage.Name, 0, 0, "");
        await Eventually.IsTrueAsync(async () => (part = await host.Get<StageLogs>().ReadAsync(runId, ProbeStage.Name, 0, default)).Text.Length > 0);

        log.Write(LogLevel.Information, "second, of Zürich");
        var next = part.Next;
        await Eventually.IsTrueAsync(async () => (part = await host.Get<StageLogs>().ReadAsync(runId, ProbeStage.Name, next, default)).Text.Length > 0);

        Said(part.Text).Should().Equal("INFO  second, of Zürich");
        (part.From, part.Next).Should().Be((next, next + Encoding.UTF8.GetByteCount(part.Text)));
        (await host.Get<StageLogs>().LengthsAsync(runId, default)).Should().Equal(new Dictionary<string, long> { [ProbeStage.Name] = part.Next });
        (await host.Get<StageLogs>().ReadAsync(runId, ProbeStage.Name, part.Next, default)).Text.Should().BeEmpty();
    }

    [Fact]
    public async Task Calls_of_a_stage_side_by_side_share_its_log_and_lose_nothing()
    {
        await using var host = Host(services => services.AddSingleton(new StageLogOptions { Every = TimeSpan.FromMilliseconds(5) }));

        await Task.WhenAll(Enumerable.Range(0, 4).Select(call => Task.Run(async () =>
        {
            await using var log = Open(host, $"{call}");
            for (var line = 0; line < 20; line++)
            {
                log.Write(LogLevel.Information, $"line {line}");
                await Task.Delay(2);
            }
        })));

        var said = Said(await ReadAsync(host));
        said.Should().HaveCount(80);
        for (var call = 0; call < 4; call++)
        {
            said.Where(line => line.StartsWith($"INFO  {call}: ", StringComparison.Ordinal)).Should()
                .Equal(Enumerable.Range(0, 20).Select(line => $"INFO  {call}: line {line}"));
        }
    }

    [Fact]
    public async Task A_log_that_is_full_says_so_once_whoever_writes_it()
    {
        const int Most = 1000;
        await using var host = Host(services => services.AddSingleton(new StageLogOptions { MostBytes = Most }));
        foreach (var key in new[] { "a", "b" })
        {
            await using var log = Open(host, key);
            for (var line = 0; line < 30; line++)
            {
                log.Write(LogLevel.Information, $"{line} ÄÖÜ äöü € 𝄞");
            }
        }
        await using (var late = Open(host))
        {
            late.Write(LogLevel.Error, "late");
        }

        var text = await ReadAsync(host);
        Encoding.UTF8.GetByteCount(text).Should().Be(Most);
        text.Should().EndWith("\nThis log is full; what follows is in the host's log only.\n").And.NotContain("\uFFFD").And.NotContain("late");
        Regex.Count(text, "This log is full").Should().Be(1);
        Said(text)[0].Should().Be("INFO  a: 0 ÄÖÜ äöü € 𝄞");
    }

    /// <summary>Appending is not idempotent: the client's own retry, or the next flush, would write the same lines a second time.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Lines_whose_answer_was_lost_are_there_once(int retries)
    {
        var asked = 0;
        var network = new AnswerLost((method, path) => method == "PUT" && path.EndsWith("/logs/probe.log", StringComparison.Ordinal) && Begins());
        await using var host = Host(services => services.AddSingleton(new StageLogOptions { Every = TimeSpan.FromMilliseconds(20) })
            .AddSingleton(network.Storage(azurite, retries)));

        await using (var log = Open(host))
        {
            log.Write(LogLevel.Information, "first");
            await Eventually.IsTrueAsync(() => network.Lost == 1);
            log.Write(LogLevel.Information, "second");
        }

        network.Statuses.Should().StartWith([201, 412], "the block was written before its answer was lost, and sent again");
        Said(await ReadAsync(host)).Should().Equal("INFO  first", "INFO  second");

        // The first such request makes the blob; those after it append.
        bool Begins() => Interlocked.Increment(ref asked) > 1;
    }

    [Fact]
    public async Task A_log_that_cannot_be_written_harms_no_stage_and_is_told_once()
    {
        var warnings = new Warnings();
        await using var host = Host(services => services.AddSingleton<ILoggerProvider>(warnings)
            .AddSingleton(new StageLogOptions { Every = TimeSpan.FromMilliseconds(5) }));
        // Somebody else's blob is where the log should be: each write is refused.
        await host.Storage.Artifacts.GetBlobClient($"{runId}/logs/probe.log").UploadAsync(BinaryData.FromString("not ours"));

        var output = await RunAsync(host, problem: null, pause: TimeSpan.FromMilliseconds(100));

        output.Report.Rows.Should().Be(7);
        warnings.Lines.Should().ContainSingle().Which.Should()
            .Be($"Run {runId}: lines of the log of stage probe could not be kept on the run; the stage goes on");
        (await ReadAsync(host)).Should().Be("not ours");
    }

    [Fact]
    public async Task What_libraries_and_others_log_and_what_opens_something_is_not_in_it()
    {
        await using var host = Host();
        var loggers = host.Get<ILoggerFactory>();
        var (ours, theirs) = (loggers.CreateLogger("Customer.Trainer"), loggers.CreateLogger("System.Net.Http.HttpClient"));
        await using (Open(host))
        {
            Say(theirs, LogLevel.Warning, "POST https://hooks.slack.com/services/T0/B0/secret");
            Say(ours, LogLevel.Information, "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0LWtleQ==;EndpointSuffix=x");
            Say(ours, LogLevel.Information, """GET https://a.blob.example/raw?sv=1&sig=abc%2Bdef {"api_key": "s3cret"} Authorization: Bearer abcdefgh1234""");
            Say(
                ours, LogLevel.Warning, "odd\nline \u001b[31m of https://ann:pass@host/ and https://hooks.slack.com/services/T0/x now",
                new InvalidOperationException("insides"));
            await Task.Run(() => Say(ours, LogLevel.Debug, "small"));
        }
        Say(ours, LogLevel.Information, "outside");

        Said(await ReadAsync(host)).Should().Equal(
            "INFO  DefaultEndpointsProtocol=https;AccountName=a;AccountKey=(hidden);EndpointSuffix=x",
            """INFO  GET https://a.blob.example/raw?sv=1&sig=(hidden) {"api_key": "(hidden)"} Authorization: Bearer (hidden)""",
            "WARN  odd line  [31m of https://(hidden)@host/ and https://hooks.slack.com/(hidden) now: "
                + "An unexpected fault, not of the data: the host's log says more. Retry the run; if it fails again, report it.");
    }

    private PipelineHost Host(Action<IServiceCollection>? configure = null) => new(azurite, services =>
    {
        services.AddSingleton<ProbeStage>();
        configure?.Invoke(services);
    });

    private StageLog Open(PipelineHost host, string key = "") => host.Get<StageLogs>().Open(runId, ProbeStage.Name, key);

    private Task<ProbeOutput> RunAsync(PipelineHost host, string? problem, TimeSpan pause = default) =>
        host.Get<StageRunner>().RunAsync(Probe, new StageCall<ProbeInput>(runId, "", "", new ProbeInput(problem, pause)), CancellationToken.None);

    private async Task<string> ReadAsync(PipelineHost host) => (await host.Get<StageLogs>().ReadAsync(runId, ProbeStage.Name, 0, default)).Text;

    private static void Say(ILogger logger, LogLevel level, string text, Exception? fault = null) => logger.Log(level, default, text, fault, (said, _) => said);

    /// <summary>The lines without their times, and without how long it took.</summary>
    private static List<string> Said(string log) =>
    [
        .. log.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => Regex.Replace(Regex.Replace(line, @"^\S+Z ", ""), @"(?<=done in )[\d.]+", "#")),
    ];

    internal sealed record ProbeInput(string? Problem, TimeSpan Pause);

    internal sealed record ProbeOutput(StageReport Report) : IStageOutput;

    internal sealed class ProbeStage(ILogger<ProbeStage> logger) : IStage<ProbeInput, ProbeOutput>
    {
        public static string Name => "probe";

        public async Task<ProbeOutput> RunAsync(StageContext context, ProbeInput input, CancellationToken cancel)
        {
            context.Log($"{12000:N0} rows");
            context.Warn(WarningCodes.Drift, "odd");
            // Work on another thread is the same stage's.
            await Task.Run(() => Say(logger, LogLevel.Information, $"Run {context.RunId}: by a logger"), cancel);
            await Task.Delay(input.Pause, cancel);
            return input.Problem is null ? new ProbeOutput(new StageReport(7)) : throw new InputException(input.Problem);
        }
    }

    private sealed class Warnings : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                Lines.Enqueue(formatter(state, exception));
            }
        }

        public void Dispose() { }
    }
}
