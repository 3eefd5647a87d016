using Cronos;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Serving.Triggers;

/// <summary>
/// Starts runs at the times of <c>runOn.schedule</c>, in UTC. A new or changed schedule counts from when it was put there. Times that passed while no host
/// was there are made up for by one run.
/// </summary>
public sealed partial class ScheduleTrigger(
    ScheduleMarks marks, DefinitionStore definitions, DefinitionCatalog catalog, RunStarter starter, TimeProvider time, ILogger<ScheduleTrigger> logger)
    : ITrigger
{
    public TimeSpan Interval { get; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a changed definition may take to be seen; longer in proportion where there are more than a few.</summary>
    private static readonly TimeSpan Refresh = TimeSpan.FromSeconds(5);

    private const int FewDefinitions = 500;

    private readonly Dictionary<string, Scheduled> schedules = [];
    private DateTimeOffset refreshed = DateTimeOffset.MinValue;
    private DateTimeOffset nextRefresh = DateTimeOffset.MinValue;

    public async Task LookAsync(CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        // Its last look was later than now where the clock was set back.
        if (now >= nextRefresh || now < refreshed)
        {
            await RefreshAsync(now, cancel);
            refreshed = now;
        }
        foreach (var (model, scheduled) in schedules.ToList())
        {
            if (scheduled.Cron.LastDue(scheduled.ServedUntil, now) is { } due)
            {
                await FireAsync(model, scheduled, due, cancel);
            }
        }
    }

    private async Task RefreshAsync(DateTimeOffset now, CancellationToken cancel)
    {
        var current = await catalog.ReadAsync(cancel);
        foreach (var gone in schedules.Keys.Where(model => !current.ContainsKey(model)).ToList())
        {
            schedules.Remove(gone);
        }
        foreach (var (model, (definition, problem)) in current)
        {
            try
            {
                var text = problem is null ? definition!.RunOn.Schedule : throw new InputException(problem);
                if (text is null)
                {
                    schedules.Remove(model);
                }
                else if (!schedules.TryGetValue(model, out var scheduled) || scheduled.Text != text)
                {
                    schedules[model] = new Scheduled(text, CronSchedule.Parse(text), await ServedUntilAsync(model, text, now, cancel));
                }
            }
            catch (Exception wrong) when (wrong is CronFormatException or InputException)
            {
                schedules.Remove(model);
                LogInvalid(model, wrong.Message);
            }
        }
        nextRefresh = now + (current.Count <= FewDefinitions ? Refresh : Refresh * current.Count / FewDefinitions);
    }

    private async Task<DateTimeOffset> ServedUntilAsync(string model, string schedule, DateTimeOffset now, CancellationToken cancel)
    {
        if (await marks.ServedUntilAsync(model, schedule, cancel) is { } served)
        {
            return served;
        }
        var put = await definitions.FindTimeAsync(model, cancel) ?? now;
        var since = put < now ? put : now;
        await marks.MarkAsync(model, schedule, since, cancel);
        return since;
    }

    /// <summary>Starts first and marks then: a crash in between starts the same run again, which does nothing.</summary>
    private async Task FireAsync(string model, Scheduled scheduled, DateTimeOffset due, CancellationToken cancel)
    {
        try
        {
            var runId = RunId.Of(model, due, scheduled.Text);
            await starter.StartAsync(new RunRequest(model, Source: null, RunTriggers.Schedule) { RunId = runId }, cancel);
            LogStarted(model, due, runId);
        }
        catch (InputException wrong)
        {
            LogNotStarted(model, due, wrong.Message);
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            LogFailed(model, due, fault);
            return;
        }
        await marks.MarkAsync(model, scheduled.Text, due, cancel);
        schedules[model] = scheduled with { ServedUntil = due };
    }

    private sealed record Scheduled(string Text, CronSchedule Cron, DateTimeOffset ServedUntil);

    [LoggerMessage(Level = LogLevel.Information, Message = "Schedule of model {Model} (due {Due:u}) started run {RunId}")]
    private partial void LogStarted(string model, DateTimeOffset due, string runId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Schedule of model {Model} (due {Due:u}) started no run: {Reason}")]
    private partial void LogNotStarted(string model, DateTimeOffset due, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Schedule of model {Model} (due {Due:u}) could not start a run now; it is tried again in a moment")]
    private partial void LogFailed(string model, DateTimeOffset due, Exception fault);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Model {Model} has no schedule that can be followed: {Reason}")]
    private partial void LogInvalid(string model, string reason);
}
