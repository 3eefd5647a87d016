using System.Text.Json;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Doctor;

/// <summary>
/// Walks all tables and blobs and checks what must always hold: versions without gaps, aliases that point at versions, versions whose files are there
/// with the bytes that were registered, manifests whose parts are there, ended runs without a stage that runs. It also finds what nothing refers to, and
/// runs that nobody has, whichever engine they are of.
/// Reads while hosts work: what is just being written is not taken for broken, nor for an orphan before a day has passed.
/// </summary>
public sealed class StorageDoctor(
    PipelineStorage storage, ModelRegistry registry, RunStore runs, DefinitionStore definitions, DataTags tags, DataLog log, DataVersions versions,
    TimeProvider time)
{
    private const string SnapshotPrefix = "snapshots/";

    /// <summary>What a run of now has written and not yet referred to is younger.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromDays(1);

    public Task<Examination> ExamineAsync(CancellationToken cancel) => ExamineAsync(rehash: false, cancel);

    /// <param name="rehash">Whether every part is read again, and its content compared with its hash.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<Examination> ExamineAsync(bool rehash, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var kept = new KeptData();
        var unreadable = new UnreadableRecords();
        var registered = new RegistryChecks(storage, registry, kept, unreadable);
        var datasets = new DatasetChecks(storage, unreadable, rehash);
        var rows = new RunChecks(storage, runs, definitions, registered, kept, unreadable);
        // Runs first: what a run refers to is written before it is referred to.
        await rows.ReadAsync(cancel);
        List<Finding> found = [.. await registered.CheckAsync(cancel)];
        found.AddRange(await datasets.CheckAsync(cancel));
        found.AddRange(await registered.LineageAsync(datasets, cancel));
        found.AddRange(await rows.RecordsAsync(now - Settled, cancel));
        found.AddRange(await rows.RowsAsync(cancel));
        var hubs = await TaskHubs.FindAsync(storage, cancel);
        var instances = new InstanceChecks(storage, runs, hubs);
        found.AddRange(await rows.OwnersAsync(hubs, now, cancel));
        found.AddRange(await instances.RunsAsync(rows.Unfinished, now, cancel));
        found.AddRange(await instances.OrphansAsync(now, cancel));
        await AddNamedAsync(kept, unreadable, cancel);
        found.AddRange(unreadable.Any ? [] : await IndexesAsync(now, cancel));
        var orphans = unreadable.Any ? [] : await OrphansAsync(kept, datasets, now, cancel);
        return new Examination([.. unreadable.Findings, .. found, .. orphans], registered.Models, registered.Versions, datasets.Parents.Count, rows.Count)
        {
            DatasetIds = datasets.Parents.Keys.ToHashSet(StringComparer.Ordinal),
            DatasetBytes = (datasets.StoredBytes, datasets.SharedBytes),
            Unreadable = [.. unreadable.Findings],
        };
    }

    /// <summary>What nothing refers to, where all that could is known.</summary>
    private async Task<IReadOnlyList<Finding>> OrphansAsync(KeptData kept, DatasetChecks datasets, DateTimeOffset now, CancellationToken cancel)
    {
        // What is too young to go keeps what it is made from, which may be older.
        foreach (var young in datasets.WrittenSince(now - Settled))
        {
            kept.AddNamed(young);
        }
        kept.AddParents(datasets.Parents);
        var unreached = new UnreachedVersions(await OrphansAsync(storage.Datasets, datasets.OrphansAsync(kept, cancel), now, cancel), datasets.Parents);
        return
        [
            .. unreached.Findings,
            .. await OrphansAsync(storage.Artifacts, ArtifactsAsync(kept, cancel), now, cancel),
            .. await OrphansAsync(storage.Definitions, SnapshotsAsync(kept, cancel), now, cancel),
        ];
    }

    /// <summary>What somebody has named: by a tag, in a definition, or as the newest again.</summary>
    private async Task AddNamedAsync(KeptData kept, UnreadableRecords unreadable, CancellationToken cancel)
    {
        try
        {
            await AddNamedAsync(kept, cancel);
        }
        catch (JsonException why)
        {
            unreadable.Add("dataversions", why);
        }
    }

    private async Task AddNamedAsync(KeptData kept, CancellationToken cancel)
    {
        await foreach (var tag in tags.ReadAllAsync(cancel))
        {
            kept.AddNamed(tag.Version);
        }
        foreach (var restored in await log.ReadAllRestoredAsync(cancel))
        {
            kept.AddNamed(restored.Version);
        }
        foreach (var model in await definitions.ListAsync(cancel))
        {
            if (await PinnedAsync(model, cancel) is { } pinned)
            {
                kept.AddNamed(pinned);
            }
        }
    }

    /// <summary>What is wrong with a definition is no fault of the data.</summary>
    private async Task<string?> PinnedAsync(string model, CancellationToken cancel)
    {
        try
        {
            return (await definitions.FindAsync(model, cancel))?.Data is { } name ? (await versions.FindAsync(model, name, cancel))?.Id : null;
        }
        catch (InputException)
        {
            return null;
        }
    }

    private async Task<IReadOnlyList<Finding>> IndexesAsync(DateTimeOffset now, CancellationToken cancel)
    {
        var settled = now - Settled;
        var (ofRuns, ofModels) = (await runs.CompareIndexAsync(cancel), await registry.CompareIndexAsync(cancel));
        return
        [
            .. Index("run", ofRuns.Missing, "runs are not found by lists, or by who works on them", mend => runs.RepairIndexAsync(ofRuns, settled, mend)),
            .. Index("model", ofModels.Missing, "models are not found by lists", mend => registry.RepairIndexAsync(ofModels, settled, mend)),
        ];
    }

    /// <summary>What leads nowhere is passed by, and goes by itself; only what is missing counts.</summary>
    private static IEnumerable<Finding> Index(string kind, IReadOnlyList<string> missing, string problem, Func<CancellationToken, Task> repair)
    {
        if (missing.Count > 0)
        {
            yield return new Finding(FindingKind.Broken, $"indexes/{kind}", $"{missing.Count} {problem}, such as {missing[0]}.")
            {
                Remedy = "adds them",
                Repair = async cancel =>
                {
                    await repair(cancel);
                    return true;
                },
            };
        }
    }

    private async IAsyncEnumerable<(string Why, bool IsShared, StoredBlob Blob)> ArtifactsAsync(
        KeptData kept, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var blob in StoredBlobs.ListAsync(storage.Artifacts, prefix: null, cancel))
        {
            if (!kept.HasArtifact(blob.Name))
            {
                yield return ("no run and no version names them", true, blob);
            }
        }
    }

    private async IAsyncEnumerable<(string Why, bool IsShared, StoredBlob Blob)> SnapshotsAsync(
        KeptData kept, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var blob in StoredBlobs.ListAsync(storage.Definitions, SnapshotPrefix, cancel))
        {
            if (!kept.HasDefinition(Path.ChangeExtension(blob.Name[SnapshotPrefix.Length..], null)))
            {
                yield return ("no run and no version was made by them", true, blob);
            }
        }
    }

    /// <summary>Orphans that are old enough, a finding a folder.</summary>
    private async Task<IReadOnlyList<Finding>> OrphansAsync(
        BlobContainerClient container, IAsyncEnumerable<(string Why, bool IsShared, StoredBlob Blob)> blobs, DateTimeOffset now, CancellationToken cancel)
    {
        var groups = new OrderedDictionary<(string Why, bool IsShared, string Folder), List<StoredBlob>>();
        await foreach (var (why, isShared, blob) in blobs.WithCancellation(cancel))
        {
            if (now - blob.Written > Settled)
            {
                var key = (why, isShared, blob.Name[..Math.Max(0, blob.Name.LastIndexOf('/'))]);
                if (!groups.TryGetValue(key, out var group))
                {
                    groups[key] = group = [];
                }
                group.Add(blob);
            }
        }
        return
        [
            .. groups.Select(group => new Finding(FindingKind.Orphan, $"{container.Name}/{group.Key.Folder}", $"{group.Value.Count} blobs: {group.Key.Why}.")
            {
                Bytes = group.Value.Sum(blob => blob.Bytes),
                Remedy = "deletes them",
                Repair = stop => DeleteAsync(container, group.Value, group.Key.IsShared, now, stop),
            }),
        ];
    }

    /// <summary>
    /// What runs share is left while one works, or has come since all were looked at: it may have found that very thing and go on with it. Dataset versions are
    /// claimed by who goes on with them, each by itself: its manifest, which goes first, is deleted in the state in which it was looked at, or it all stays.
    /// </summary>
    private async Task<bool> DeleteAsync(
        BlobContainerClient container, IReadOnlyList<StoredBlob> blobs, bool areShared, DateTimeOffset examined, CancellationToken cancel)
    {
        if (areShared && await runs.HasWorkedSinceAsync(examined, cancel))
        {
            return false;
        }
        foreach (var blob in blobs)
        {
            if (!await StoredBlobs.DeleteAsync(container, blob, cancel) && DatasetChecks.IsManifest(blob))
            {
                return false;
            }
        }
        return true;
    }
}
