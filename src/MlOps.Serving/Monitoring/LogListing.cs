using System.Globalization;
using Azure;
using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Data;

namespace MlOps.Serving.Monitoring;

/// <summary>A blob of the prediction log.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Hour">The hour whose rows it holds.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="State">What tells it from what it was before.</param>
/// <param name="Modified">When it was last written.</param>
/// <param name="Holds">Of a compacted one: the blobs of lines whose rows it holds (<see cref="PredictionBlobs.StemOf"/>).</param>
internal sealed record LogBlob(string Name, DateTimeOffset Hour, long Bytes, ETag State, DateTimeOffset Modified, IReadOnlyList<string> Holds)
{
    /// <summary>Whether a host may still add to it.</summary>
    public bool IsAppended { get; init; }

    public bool IsCompacted => PredictionBlobs.IsCompacted(Name);

    /// <summary>A compacted blob that is still to be written: who compacts the hour has taken the name.</summary>
    public bool IsClaim => IsCompacted && Bytes == 0;

    public string Folder => Name[..(Name.LastIndexOf('/') + 1)];
}

/// <summary>What stands in the prediction log, and what of it counts.</summary>
internal static class LogListing
{
    /// <summary>
    /// The blobs whose names start so, by name: a compacted blob comes after those whose rows it holds, so that a list of several pages misses none.
    /// </summary>
    public static async Task<IReadOnlyList<LogBlob>> ListAsync(PipelineStorage storage, string prefix, CancellationToken cancel)
    {
        var found = new List<LogBlob>();
        await foreach (var blob in storage.Predictions.GetBlobsAsync(BlobTraits.Metadata, BlobStates.None, prefix, cancel))
        {
            if (PredictionBlobs.HourOf(blob.Name) is { } hour)
            {
                var about = blob.Properties;
                found.Add(new LogBlob(
                    blob.Name, hour, about.ContentLength ?? 0, about.ETag ?? default, about.LastModified ?? DateTimeOffset.UnixEpoch,
                    PredictionBlobs.HeldBy(blob.Name, blob.Metadata))
                {
                    IsAppended = about.BlobType == BlobType.Append,
                });
            }
        }
        return found;
    }

    /// <summary>Those that count: each row once.</summary>
    public static IReadOnlyList<LogBlob> Counted(IReadOnlyCollection<LogBlob> blobs)
    {
        var held = HeldIn(blobs);
        var lines = blobs.Where(blob => !PredictionBlobs.IsCopy(blob.Name) && !blob.IsCompacted).Select(blob => PredictionBlobs.StemOf(blob.Name))
            .ToHashSet(StringComparer.Ordinal);
        return
        [
            .. blobs.Where(blob => blob.Bytes > 0 && (blob.IsCompacted || !held.Contains(PredictionBlobs.StemOf(blob.Name)))
                && !(PredictionBlobs.IsCopy(blob.Name) && lines.Contains(PredictionBlobs.StemOf(blob.Name)))),
        ];
    }

    /// <summary>Blobs of lines whose rows stand in a compacted blob: what a compaction that was stopped has left.</summary>
    public static IReadOnlyList<LogBlob> Left(IReadOnlyCollection<LogBlob> blobs)
    {
        var held = HeldIn(blobs);
        return [.. blobs.Where(blob => !blob.IsCompacted && held.Contains(PredictionBlobs.StemOf(blob.Name)))];
    }

    /// <summary>The models that have rows, and of which days.</summary>
    public static async Task<IReadOnlyList<(string Model, DateTimeOffset Day)>> ListDaysAsync(PipelineStorage storage, CancellationToken cancel)
    {
        IReadOnlyList<string> folders = [""];
        for (var depth = 0; depth < 4; depth++)
        {
            var deeper = new List<string>();
            foreach (var folder in folders)
            {
                await foreach (var item in storage.Predictions.GetBlobsByHierarchyAsync(BlobTraits.None, BlobStates.None, "/", folder, cancel))
                {
                    if (item.IsPrefix)
                    {
                        deeper.Add(item.Prefix);
                    }
                }
            }
            folders = deeper;
        }
        var days = new List<(string, DateTimeOffset)>();
        foreach (var folder in folders)
        {
            var model = folder[..folder.IndexOf('/', StringComparison.Ordinal)];
            if (DateTimeOffset.TryParseExact(
                folder[(model.Length + 1)..], "yyyy/MM/dd/", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var day))
            {
                days.Add((model, day));
            }
        }
        return days;
    }

    private static HashSet<string> HeldIn(IEnumerable<LogBlob> blobs) => blobs.SelectMany(blob => blob.Holds).ToHashSet(StringComparer.Ordinal);
}
