using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Local.Triggers;

/// <summary>
/// A new or changed file <c>raw/{model}/…</c> starts a run of its model when the definition says so (<c>runOn.newFile</c>). Files that were seen are
/// remembered in storage, so a restart starts nothing twice and misses nothing.
/// </summary>
public sealed partial class RawFileWatcher(
    PipelineStorage storage, RawFileMarks marks, DefinitionStore definitions, RunStarter starter, ILogger<RawFileWatcher> logger)
    : ITrigger
{
    public TimeSpan Interval { get; } = TimeSpan.FromSeconds(2);

    public async Task LookAsync(CancellationToken cancel)
    {
        var known = await marks.ReadAsync(cancel);
        var there = new HashSet<string>();
        var changed = new List<BlobItem>();
        await foreach (var blob in storage.Raw.GetBlobsAsync(BlobTraits.None, BlobStates.None, prefix: null, cancel))
        {
            there.Add(blob.Name);
            if (!known.TryGetValue(blob.Name, out var seen) || seen != blob.Properties.ETag)
            {
                changed.Add(blob);
            }
        }
        foreach (var blob in changed.OrderBy(blob => blob.Properties.LastModified))
        {
            await TakeAsync(blob, cancel);
        }
        foreach (var gone in known.Keys.Where(name => !there.Contains(name)).ToList())
        {
            await marks.ForgetAsync(gone, cancel);
        }
    }

    /// <summary>Starts first and marks then: a crash in between starts the same run again, which does nothing.</summary>
    private async Task TakeAsync(BlobItem blob, CancellationToken cancel)
    {
        try
        {
            await StartAsync(blob, cancel);
        }
        catch (InputException wrong)
        {
            LogNotStarted(blob.Name, wrong.Message);
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            LogFailed(blob.Name, fault);
            return;
        }
        await marks.MarkAsync(blob.Name, blob.Properties.ETag ?? default, cancel);
    }

    private async Task StartAsync(BlobItem blob, CancellationToken cancel)
    {
        var model = blob.Name.Split('/') is [var first, _, ..] ? first : null;
        if (model is null)
        {
            LogNotStarted(blob.Name, "it is in no model's folder");
            return;
        }
        var definition = await definitions.FindAsync(model, cancel);
        if (definition is not { RunOn.NewFile: true })
        {
            LogNotStarted(blob.Name, definition is null ? "its model has no pipeline definition" : "its model's definition does not ask for it (runOn.newFile)");
            return;
        }
        var runId = TriggeredRunId.For(model, blob.Properties.LastModified ?? DateTimeOffset.UnixEpoch, $"{blob.Name}|{blob.Properties.ETag}");
        await starter.StartAsync(model, "raw/" + blob.Name, "file", cancel, runId);
        LogStarted(blob.Name, runId);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Raw file {File} started run {RunId}")]
    private partial void LogStarted(string file, string runId);

    [LoggerMessage(Level = LogLevel.Information, Message = "Raw file {File} started no run: {Reason}")]
    private partial void LogNotStarted(string file, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Raw file {File} could not be taken now; it is tried again in a moment")]
    private partial void LogFailed(string file, Exception fault);
}
