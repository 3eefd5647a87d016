using Azure.Storage.Blobs.Models;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Data;

namespace MlOps.Serving.Triggers;

/// <summary>
/// A new or changed file <c>raw/{model}/…</c> starts a run of its model when the definition says so (<c>runOn.newFile</c>). Files that were seen are
/// remembered in storage, so a restart starts nothing twice and misses nothing.
/// </summary>
public sealed partial class RawFileWatcher(PipelineStorage storage, RawFileMarks marks, RawFileIntake intake, ILogger<RawFileWatcher> logger) : ITrigger
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "Raw file {File} could not be taken now; it is tried again in a moment")]
    private partial void LogFailed(string file, Exception fault);
}
