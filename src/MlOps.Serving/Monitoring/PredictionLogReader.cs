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
        foreach (var blobs in (await ListAsync(model, window, cancel)).Chunk(AtOnce))
        {
            var files = blobs.Select((blob, i) => (blob.Name, Path: Path.Combine(folder, $"{paths.Count + i}.jsonl"))).ToList();
            await Parallel.ForEachAsync(files, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (file, stop) =>
                await storage.Predictions.GetBlobClient(file.Name).DownloadToAsync(file.Path, stop));
            paths.AddRange(files.Select(file => file.Path));
            rows += await drift.CountAsync([.. files.Select(file => file.Path)], window, cancel);
            bytes += files.Sum(file => new FileInfo(file.Path).Length);
            if (rows >= MonitorRules.MostRows || bytes >= MostBytes)
            {
                break;
            }
        }
        return new LoggedFiles(paths, rows);
    }

    /// <summary>Blobs of the hours that the window touches, newest first.</summary>
    private async Task<IReadOnlyList<BlobItem>> ListAsync(string model, LiveWindow window, CancellationToken cancel)
    {
        var found = new List<(DateTimeOffset Hour, BlobItem Blob)>();
        for (var day = new DateTimeOffset(window.From.UtcDateTime.Date, TimeSpan.Zero); day < window.Until; day = day.AddDays(1))
        {
            await foreach (var blob in storage.Predictions.GetBlobsAsync(BlobTraits.None, BlobStates.None, PredictionBlobs.DayPrefix(model, day), cancel))
            {
                if (blob.Properties.ContentLength > 0 && PredictionBlobs.HourOf(blob.Name) is { } hour && hour < window.Until && hour.AddHours(1) > window.From)
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
