using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>
/// Runs one call of a stage for either engine: answers from the record when the run has finished it before, else runs it, keeps its
/// state, time and rows on the run, and records its result.
/// </summary>
public sealed partial class StageRunner(
    IServiceProvider services, RunStore runs, DefinitionStore definitions, DatasetStore datasets, DataLog log, PartCache parts, TimeProvider time,
    ILogger<StageRunner> logger)
{
    private const int LongestText = 4000;

    private readonly StageLogs stageLogs = services.GetRequiredService<StageLogs>();

    /// <exception cref="InputException">The stage's input is wrong.</exception>
    public async Task<TOutput> RunAsync<TInput, TOutput>(Stage<TInput, TOutput> stage, StageCall<TInput> call, CancellationToken cancel)
        where TOutput : IStageOutput
    {
        var (runId, definitionId, key, input) = call;
        var asked = runs.FindStageAsync(runId, stage.Name, key, cancel);
        if (await runs.FindResultAsync(runId, stage.Name, key, cancel) is { } recorded)
        {
            await asked;
            return Json.Read<TOutput>(recorded);
        }
        var earlier = await asked;
        // Who listens to no traces reads nothing for them.
        using var span = Telemetry.Source.HasListeners()
            ? RunTrace.StartStage(await runs.FindAsync(runId, cancel), runId, stage.Name, key)
            : null;
        var (started, clock) = (time.GetUtcNow(), time.GetTimestamp());
        var status = new StageStatus(stage.Name, key, StageState.Running, earlier?.Started ?? started, Attempts: (earlier?.Attempts ?? 0) + 1);
        await runs.LogStageAsync(runId, status, cancel);
        span?.SetTag(Telemetry.StageAttempt, status.Attempts);
        await using var lines = stageLogs.Open(runId, stage.Name, key);
        var behind = StageCallName.Behind(key);
        LogStarted(runId, stage.Name, behind, status.Attempts);
        lines.Write(LogLevel.Information, Beginning(status, earlier));
        try
        {
            using var inUse = parts.Begin();
            var context = new StageContext(runId, key, definitionId, definitions, runs, lines);
            var output = await stage.RunAsync(services, context, input, cancel);
            await LogVersionsAsync(runId, output, cancel);
            var seconds = time.GetElapsedTime(clock).TotalSeconds;
            var result = await runs.RecordResultAsync(runId, Succeeded(status, output.Report, context.Warnings, seconds), Json.Write(output), cancel);
            Measure(context.Model, stage.Name, output.Report.Reused ? "reused" : "succeeded", seconds, span);
            LogSucceeded(runId, stage.Name, behind, seconds, output.Report.Rows);
            lines.Write(LogLevel.Information, Ending(output.Report, seconds));
            return Json.Read<TOutput>(result);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            lines.Write(LogLevel.Warning, "was stopped");
            throw;
        }
        catch (Exception fault)
        {
            lines.Write(LogLevel.Error, $"failed: {FaultText.Of(fault)}");
            LogFault(runId, stage.Name, key, fault);
            span?.SetTag(Telemetry.ErrorType, fault.GetType().FullName).SetStatus(ActivityStatusCode.Error, Shorten(FaultText.Of(fault)));
            Measure(RunId.ModelOf(runId), stage.Name, "failed", time.GetElapsedTime(clock).TotalSeconds, span);
            var failed =
                status with
                {
                    State = StageState.Failed,
                    Ended = time.GetUtcNow(),
                    Seconds = time.GetElapsedTime(clock).TotalSeconds,
                    Error = Shorten(FaultText.Of(fault)),
                };
            await runs.LogStageAsync(runId, failed, cancel);
            throw;
        }
    }

    /// <summary>The log of a stage goes on where an earlier attempt left it.</summary>
    private static string Beginning(StageStatus status, StageStatus? earlier) => earlier is null
        ? "started"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"started again, attempt {status.Attempts}: the one before {(earlier.State == StageState.Running ? "broke off" : "has failed")}");

    private static string Ending(StageReport report, double seconds) => string.Create(
        CultureInfo.InvariantCulture,
        $"done in {seconds:0.00} s{(report.Rows is { } rows ? $", {rows:N0} rows" : "")}{(report.Reused ? "; what an earlier run came to is taken" : "")}");

    private static void Measure(string? model, string stage, string state, double seconds, Activity? span)
    {
        span?.SetTag(Telemetry.StageState, state);
        Telemetry.StageDuration.Record(seconds, new TagList { { Telemetry.Stage, stage }, { Telemetry.Model, model }, { Telemetry.StageState, state } });
    }

    private async Task LogVersionsAsync(string runId, IStageOutput output, CancellationToken cancel)
    {
        if (output.Versions.Any() && await runs.FindAsync(runId, cancel) is { } run)
        {
            foreach (var (stage, version) in output.Versions)
            {
                await log.RecordAsync(run, stage, await datasets.GetAsync(version.Id, cancel), cancel);
            }
        }
    }

    /// <summary>Cuts a text to what a table row holds.</summary>
    public static string Shorten(string text) => text.Length <= LongestText ? text : string.Concat(text.AsSpan(0, LongestText), " …");

    /// <summary>Where in the code wrong input was noticed says nothing to the person who can put it right.</summary>
    private void LogFault(string runId, string stage, string key, Exception fault)
    {
        if (fault is InputException)
        {
            LogWrongInput(runId, stage, StageCallName.Behind(key), fault.Message);
        }
        else
        {
            LogFailed(runId, stage, StageCallName.Behind(key), fault);
        }
    }

    private StageStatus Succeeded(StageStatus status, StageReport report, IReadOnlyList<Warning> warnings, double seconds) => status with
    {
        State = report.Reused ? StageState.Reused : StageState.Succeeded,
        Ended = time.GetUtcNow(),
        Seconds = seconds,
        Rows = report.Rows,
        Warnings = warnings.Count == 0 ? null : warnings,
    };

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {RunId}: stage {Stage}{Key} started (attempt {Attempt})")]
    private partial void LogStarted(string runId, string stage, string key, int attempt);

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {RunId}: stage {Stage}{Key} succeeded in {Seconds:0.00} s, {Rows} rows")]
    private partial void LogSucceeded(string runId, string stage, string key, double seconds, long? rows);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {RunId}: stage {Stage}{Key} failed: {Problem}")]
    private partial void LogWrongInput(string runId, string stage, string key, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {RunId}: stage {Stage}{Key} failed")]
    private partial void LogFailed(string runId, string stage, string key, Exception fault);
}
