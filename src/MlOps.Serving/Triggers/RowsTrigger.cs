using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Serving.Triggers;

/// <summary>
/// Starts a run when enough rows have come since the last one that trains (<c>runOn.rows</c>): rows of raw dataset versions that were made since that run was
/// started, of files or of feedback, but for those that it has made itself.
/// </summary>
public sealed partial class RowsTrigger(
    DefinitionCatalog catalog, DataLog data, RunStore runs, SelfStartedRuns starter, ILogger<RowsTrigger> logger) : ITrigger
{
    private const int Page = 100;

    /// <summary>What was said of a model that may not start: once, not every minute.</summary>
    private readonly ConcurrentDictionary<string, string> said = new(StringComparer.Ordinal);

    public TimeSpan Interval { get; } = TimeSpan.FromMinutes(1);

    public async Task LookAsync(CancellationToken cancel)
    {
        foreach (var (model, (definition, _)) in await catalog.ReadAsync(cancel))
        {
            if (definition is { RunOn: { Rows: { } rows } rules })
            {
                await TryLookAsync(model, rules, rows, cancel);
            }
        }
    }

    /// <summary>One model's trouble is not the others'.</summary>
    private async Task TryLookAsync(string model, TriggerRules rules, long wanted, CancellationToken cancel)
    {
        try
        {
            await LookAsync(model, rules, wanted, cancel);
        }
        catch (InputException wrong)
        {
            if (said.GetValueOrDefault(model) != wrong.Message)
            {
                said[model] = wrong.Message;
                LogNotStarted(model, wrong.Message);
            }
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            LogFailed(model, fault);
        }
    }

    private async Task LookAsync(string model, TriggerRules rules, long wanted, CancellationToken cancel)
    {
        var last = await FindLastAsync(model, cancel);
        // What a run under way makes is its own.
        if (last is { HasEnded: false })
        {
            return;
        }
        var fresh = await ListSinceAsync(model, last, cancel);
        var rows = fresh.Sum(version => version.Rows);
        if (fresh.Count == 0 || rows < wanted)
        {
            return;
        }
        var newest = fresh.MaxBy(version => version.Created)!;
        var since = last is null ? "no run has trained on any yet" : $"since run {last.RunId}";
        var reason = $"{Warning.Counted(rows, "row has", "rows have")} come in {Warning.Counted(fresh.Count, "dataset version")}, {since}.";
        // Of several hosts that see the same rows, one starts the run.
        var runId = RunId.Of(model, newest.Created, $"rows|{last?.RunId}|{newest.Id}");
        await starter.StartAsync(new RunRequest(model, Source: null, RunTriggers.Rows) { RunId = runId, Reason = reason }, rules, cancel);
        said.TryRemove(model, out _);
        LogStarted(model, runId, reason);
    }

    /// <summary>The newest run that trains, whatever came of it.</summary>
    private async Task<Run?> FindLastAsync(string model, CancellationToken cancel)
    {
        for (string? next = null; ;)
        {
            var page = await runs.ListAsync(model, Page, next, cancel);
            if (page.Items.FirstOrDefault(run => run.Goal == RunGoal.Model) is { } found)
            {
                return found;
            }
            if (page.Next is null)
            {
                return null;
            }
            next = page.Next;
        }
    }

    private async Task<IReadOnlyList<DataEntry>> ListSinceAsync(string model, Run? last, CancellationToken cancel)
    {
        var found = new List<DataEntry>();
        for (string? next = null; ;)
        {
            var page = await data.ListAsync(model, "raw", Page, next, cancel);
            found.AddRange(page.Items.Where(version => last is null || (version.Created > last.Created && version.RunId != last.RunId)));
            // Newest first, but for what was restored, which stands among newer ones.
            if (page.Next is null || (last is not null && page.Items.Any(version => version.Restored is null && version.Created <= last.Created)))
            {
                return found;
            }
            next = page.Next;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "New rows of model {Model} have started run {RunId}: {Reason}")]
    private partial void LogStarted(string model, string runId, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "New rows of model {Model} started no run: {Reason}")]
    private partial void LogNotStarted(string model, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "New rows of model {Model} could not be counted now; it is tried again in a minute")]
    private partial void LogFailed(string model, Exception fault);
}
