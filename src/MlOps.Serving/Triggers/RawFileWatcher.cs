using Azure;
using Azure.Storage.Blobs.Models;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Serving.Triggers;

/// <summary>
/// A new or changed file <c>raw/{model}/…</c> starts a run of its model (<see cref="RawFileIntake"/>), and one whose model has no definition waits
/// until it has. Files that were taken are remembered in storage, so a restart starts nothing twice and misses nothing.
/// </summary>
/// <remarks>
/// Uploads through the product are noted (<see cref="RawFileArrivals"/>) and found at once. Files that come by another way are found by looking through the
/// container: at every look while it has few, and the more there are the more rarely, so that looking never costs more than a hundredth of a processor or so.
/// </remarks>
public sealed partial class RawFileWatcher(
    PipelineStorage storage, RawFileMarks marks, RawFileArrivals arrivals, RawFileIntake intake, DefinitionStore definitions, TimeProvider time,
    ILogger<RawFileWatcher> logger) : ITrigger
{
    /// <summary>So many files are looked through at every look.</summary>
    internal const int FewFiles = 200;

    /// <summary>So many models without a definition are asked for one at every look.</summary>
    internal const int FewModels = 20;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    /// <summary>Files whose model has no definition, and that model; the log says it once.</summary>
    private readonly Dictionary<string, string> waiting = new(StringComparer.Ordinal);

    private readonly DefinedModels models = new(definitions, count => Pause(count, FewModels), time);

    private (long At, TimeSpan Pause)? lookedThrough;

    public TimeSpan Interval => LookEvery;

    public async Task LookAsync(CancellationToken cancel)
    {
        models.BeginLook();
        await TakeNotedAsync(cancel);
        if (lookedThrough is not { } last || time.GetElapsedTime(last.At) >= last.Pause)
        {
            await LookThroughAsync(cancel);
        }
        else if (waiting.Count > 0)
        {
            var ready = new List<string>();
            foreach (var (file, model) in waiting)
            {
                if (await models.HasAsync(model, cancel))
                {
                    ready.Add(file);
                }
            }
            await TakeReadyAsync(await FindAsync(ready, cancel), cancel);
        }
    }

    private async Task TakeNotedAsync(CancellationToken cancel)
    {
        var noted = (await arrivals.ListAsync(cancel)).Where(note => !(waiting.TryGetValue(note.Name, out var model) && models.Lacks(model))).ToList();
        if (noted.Count == 0)
        {
            return;
        }
        var files = (await FindAsync(noted.Select(note => note.Name), cancel)).ToDictionary(file => file.Name, StringComparer.Ordinal);
        await TakeReadyAsync(files.Values, cancel);
        var known = await marks.ReadAsync(cancel);
        foreach (var note in noted)
        {
            // Else it is still being uploaded: it is not there, or as it was before. Storage tells whole seconds.
            if (files.TryGetValue(note.Name, out var file) && known.TryGetValue(file.Name, out var seen) && seen == file.ETag
                && file.Modified.AddSeconds(1) >= note.Written)
            {
                await arrivals.RemoveAsync(note, cancel);
            }
        }
    }

    private async Task LookThroughAsync(CancellationToken cancel)
    {
        var there = new HashSet<string>(StringComparer.Ordinal);
        var changed = new List<RawFile>();
        var known = await marks.ReadAsync(cancel);
        await foreach (var blob in storage.Raw.GetBlobsAsync(BlobTraits.None, BlobStates.None, prefix: null, cancel))
        {
            there.Add(blob.Name);
            var file = new RawFile(blob.Name, Plain(blob.Properties.ETag ?? default), blob.Properties.LastModified ?? DateTimeOffset.UnixEpoch);
            if (IsChanged(file, known))
            {
                changed.Add(file);
            }
        }
        await TakeReadyAsync(changed, cancel);
        foreach (var gone in waiting.Keys.Where(name => !there.Contains(name)).ToList())
        {
            waiting.Remove(gone);
        }
        foreach (var gone in known.Keys.Where(name => !there.Contains(name)).ToList())
        {
            await marks.ForgetAsync(gone, cancel);
        }
        lookedThrough = (time.GetTimestamp(), Pause(there.Count, FewFiles));
    }

    private static TimeSpan Pause(int count, int few)
    {
        var pause = count <= few ? TimeSpan.Zero : LookEvery * count / few;
        return pause < LongestPause ? pause : LongestPause;
    }

    /// <summary>Files as they are now, where they are there.</summary>
    private async Task<IReadOnlyList<RawFile>> FindAsync(IEnumerable<string> names, CancellationToken cancel)
    {
        var found = new List<RawFile>();
        foreach (var name in names)
        {
            if (await storage.Raw.GetBlobClient(name).GetPropertiesAsync(cancellationToken: cancel).OrNullAsync() is { Value: { } file })
            {
                found.Add(new RawFile(name, Plain(file.ETag), file.LastModified));
            }
        }
        return found;
    }

    /// <summary>As lists say it, without quotes: the file itself says it with them, and one state of a file is one run.</summary>
    private static ETag Plain(ETag state) => new(state.ToString().Trim('"'));

    private static bool IsChanged(RawFile file, IReadOnlyDictionary<string, ETag> known) =>
        !known.TryGetValue(file.Name, out var seen) || seen != file.ETag;

    /// <summary>Takes those that can be taken now, oldest first.</summary>
    private async Task TakeReadyAsync(IEnumerable<RawFile> files, CancellationToken cancel)
    {
        var known = await marks.ReadAsync(cancel);
        foreach (var file in files.Where(file => IsChanged(file, known)).OrderBy(file => file.Modified).ToList())
        {
            if (file.Model is { } model && !await models.HasAsync(model, cancel))
            {
                if (waiting.TryAdd(file.Name, model))
                {
                    LogWaits(file.Name, model);
                }
                continue;
            }
            waiting.Remove(file.Name);
            await TakeAsync(file, cancel);
        }
    }

    private async Task TakeAsync(RawFile file, CancellationToken cancel)
    {
        try
        {
            await intake.TakeAsync(file, cancel);
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            LogFailed(file.Name, fault);
            return;
        }
        await marks.MarkAsync(file.Name, file.ETag, cancel);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Raw file {File} waits: model {Model} has no pipeline definition yet")]
    private partial void LogWaits(string file, string model);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Raw file {File} could not be taken now; it is tried again in a moment")]
    private partial void LogFailed(string file, Exception fault);
}
