using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Serving.Monitoring;

/// <summary>Files of the prediction log on this machine.</summary>
/// <param name="Paths">The files.</param>
/// <param name="Rows">Rows of the window in them.</param>
internal sealed record LoggedFiles(IReadOnlyList<string> Paths, long Rows);

/// <summary>Downloads what the prediction log has of a window, the newest blobs first, until there are as many rows as a check reads.</summary>
internal sealed class PredictionLogReader(PipelineStorage storage, LiveDrift drift)
{
    /// <summary>Blobs that are downloaded side by side, and counted together.</summary>
    private const int AtOnce = 8;

    /// <summary>Wide rows are fewer: a small instance's disk must hold them.</summary>
    private const long MostBytes = 256 * 1024 * 1024;

    public async Task<LoggedFiles> DownloadAsync(string model, LiveWindow window, string folder, CancellationToken cancel)
    {
        var paths = new List<string>();
        var (rows, bytes) = (0L, 0L);
        foreach (var blobs in (await ListAsync(model, window.From, window.Until, cancel)).Chunk(AtOnce))
        {
            var files = await DownloadAsync(blobs, folder, paths.Count, cancel);
            paths.AddRange(files);
            rows += await drift.CountAsync(files, window, cancel);
            bytes += files.Sum(file => new FileInfo(file).Length);
            if (rows >= MonitorRules.MostRows || bytes >= MostBytes)
            {
                break;
            }
        }
        return new LoggedFiles(paths, rows);
    }

    /// <summary>Downloads all that a model has of some time, whichever version predicted it; of more than fits, the newest.</summary>
    public async Task<IReadOnlyList<string>> DownloadAsync(string model, DateTimeOffset from, DateTimeOffset until, string folder, CancellationToken cancel)
    {
        var (paths, bytes) = (new List<string>(), 0L);
        foreach (var blobs in (await ListAsync(model, from, until, cancel)).Chunk(AtOnce))
        {
            var files = await DownloadAsync(blobs, folder, paths.Count, cancel);
            paths.AddRange(files);
            bytes += files.Sum(file => new FileInfo(file).Length);
            if (bytes >= MostBytes)
            {
                break;
            }
        }
        return paths;
    }

    private async Task<IReadOnlyList<string>> DownloadAsync(IReadOnlyList<BlobItem> blobs, string folder, int first, CancellationToken cancel)
    {
        var files = blobs.Select((blob, i) => (blob.Name, Path: Path.Combine(folder, $"{first + i}.jsonl"))).ToList();
        await Parallel.ForEachAsync(files, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (file, stop) =>
            await storage.Predictions.GetBlobClient(file.Name).DownloadToAsync(file.Path, stop));
        return [.. files.Select(file => file.Path)];
    }

    /// <summary>Blobs of the hours that the window touches, newest first.</summary>
    private async Task<IReadOnlyList<BlobItem>> ListAsync(string model, DateTimeOffset from, DateTimeOffset until, CancellationToken cancel)
    {
        var found = new List<(DateTimeOffset Hour, BlobItem Blob)>();
        for (var day = new DateTimeOffset(from.UtcDateTime.Date, TimeSpan.Zero); day < until; day = day.AddDays(1))
        {
            await foreach (var blob in storage.Predictions.GetBlobsAsync(BlobTraits.None, BlobStates.None, PredictionBlobs.DayPrefix(model, day), cancel))
            {
                if (blob.Properties.ContentLength > 0 && PredictionBlobs.HourOf(blob.Name) is { } hour && hour < until && hour.AddHours(1) > from)
                {
                    found.Add((hour, blob));
                }
            }
        }
        var counted = PredictionBlobs.WithoutSpareCopies([.. found.Select(item => item.Blob.Name)]).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. found.Where(item => counted.Contains(item.Blob.Name)).OrderByDescending(item => item.Hour)
                .ThenByDescending(item => item.Blob.Properties.LastModified).Select(item => item.Blob),
        ];
    }
}
