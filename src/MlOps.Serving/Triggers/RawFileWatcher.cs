using Azure.Storage.Blobs.Models;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Serving.Triggers;

/// <summary>
/// A new or changed file <c>raw/{model}/…</c> starts a run of its model (<see cref="RawFileIntake"/>), and one whose model has no definition waits
/// until it has. Files that were taken are remembered in storage, so a restart starts nothing twice and misses nothing.
/// </summary>
public sealed partial class RawFileWatcher(
    PipelineStorage storage, RawFileMarks marks, RawFileIntake intake, DefinitionStore definitions, ILogger<RawFileWatcher> logger) : ITrigger
{
    /// <summary>Files whose model has no definition; so that the log says it once.</summary>
    private readonly HashSet<string> waiting = [];

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
        foreach (var blob in await ReadyAsync(changed, cancel))
        {
            await TakeAsync(blob, cancel);
        }
        waiting.IntersectWith(there);
        foreach (var gone in known.Keys.Where(name => !there.Contains(name)).ToList())
        {
            await marks.ForgetAsync(gone, cancel);
        }
    }

    /// <summary>Those that can be taken now, oldest first.</summary>
    private async Task<IReadOnlyList<BlobItem>> ReadyAsync(List<BlobItem> changed, CancellationToken cancel)
    {
        if (changed.Count == 0)
        {
            return [];
        }
        var defined = (await definitions.ListAsync(cancel)).ToHashSet(StringComparer.Ordinal);
        var ready = new List<BlobItem>();
        foreach (var blob in changed.OrderBy(blob => blob.Properties.LastModified))
        {
            if (RawFile.ModelOf(blob.Name) is not { } model || defined.Contains(model))
            {
                waiting.Remove(blob.Name);
                ready.Add(blob);
            }
            else if (waiting.Add(blob.Name))
            {
                LogWaits(blob.Name, model);
            }
        }
        return ready;
    }

    /// <summary>Starts first and marks then: a crash in between starts the same run again, which does nothing.</summary>
    private async Task TakeAsync(BlobItem blob, CancellationToken cancel)
    {
        var etag = blob.Properties.ETag ?? default;
        try
        {
            await intake.TakeAsync(new RawFile(blob.Name, etag, blob.Properties.LastModified ?? DateTimeOffset.UnixEpoch), cancel);
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            LogFailed(blob.Name, fault);
            return;
        }
        await marks.MarkAsync(blob.Name, etag, cancel);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Raw file {File} waits: model {Model} has no pipeline definition yet")]
    private partial void LogWaits(string file, string model);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Raw file {File} could not be taken now; it is tried again in a moment")]
    private partial void LogFailed(string file, Exception fault);
}
