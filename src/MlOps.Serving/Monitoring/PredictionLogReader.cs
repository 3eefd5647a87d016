using Azure;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;

namespace MlOps.Serving.Monitoring;

/// <summary>Files of the prediction log on this machine.</summary>
/// <param name="Paths">The files.</param>
/// <param name="Rows">Rows of the window in them.</param>
/// <param name="IsWhole">Whether they are all of the window; false: only its newest rows.</param>
internal sealed record LoggedFiles(IReadOnlyList<string> Paths, long Rows, bool IsWhole);

/// <summary>Downloads what the prediction log has of a window, the newest blobs first, until there are as many rows as a check reads.</summary>
internal sealed class PredictionLogReader(PipelineStorage storage, DuckDb duckDb)
{
    /// <summary>Blobs that are downloaded side by side, and counted together.</summary>
    private const int AtOnce = 8;

    /// <summary>Wide rows are fewer: a small instance's disk must hold them.</summary>
    private const long MostBytes = 256 * 1024 * 1024;

    private const int MostTries = 5;

    public Task<LoggedFiles> DownloadAsync(string model, LiveWindow window, string folder, CancellationToken cancel) => FromTheStartAsync(async () =>
    {
        var paths = new List<string>();
        var (rows, bytes) = (0L, 0L);
        var all = await ListAsync(model, window.From, window.Until, cancel);
        foreach (var blobs in all.Chunk(AtOnce))
        {
            var files = await DownloadAsync(blobs, folder, paths.Count, cancel);
            paths.AddRange(files);
            rows += await CountAsync(files, window, cancel);
            bytes += files.Sum(file => new FileInfo(file).Length);
            if (rows >= MonitorRules.MostRows || bytes >= MostBytes)
            {
                break;
            }
        }
        return new LoggedFiles(paths, rows, paths.Count == all.Count);
    });

    /// <summary>How many rows of the window stand in files of the prediction log.</summary>
    public Task<long> CountAsync(IReadOnlyList<string> files, LiveWindow window, CancellationToken cancel) => Task.Run(
        () =>
        {
            using var session = duckDb.Open(cancel);
            return LiveRows.Count(session, files, window);
        },
        cancel);

    /// <inheritdoc cref="LiveRows.FullAt"/>
    public Task<DateTimeOffset?> FullAtAsync(IReadOnlyList<string> files, LiveWindow window, long rows, CancellationToken cancel) => Task.Run(
        () =>
        {
            using var session = duckDb.Open(cancel);
            return LiveRows.FullAt(session, files, window, rows);
        },
        cancel);

    /// <inheritdoc cref="LiveTraffic.Of"/>
    public Task<LiveTraffic> TrafficAsync(LoggedFiles files, LiveWindow window, CancellationToken cancel) => Task.Run(
        () =>
        {
            using var session = duckDb.Open(cancel);
            return LiveTraffic.Of(session, files, window);
        },
        cancel);

    /// <summary>Downloads all that a model has of some time, whichever version predicted it; of more than fits, the newest.</summary>
    public Task<IReadOnlyList<string>> DownloadAsync(string model, DateTimeOffset from, DateTimeOffset until, string folder, CancellationToken cancel) =>
        FromTheStartAsync(async () =>
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
            return (IReadOnlyList<string>)paths;
        });

    /// <summary>Downloads all that a model has of some time.</summary>
    /// <exception cref="InputException">It is more than <paramref name="mostBytes"/>.</exception>
    public Task<IReadOnlyList<string>> DownloadAllAsync(
        string model, DateTimeOffset from, DateTimeOffset until, long mostBytes, string folder, CancellationToken cancel) =>
        FromTheStartAsync(async () =>
        {
            var blobs = await ListAsync(model, from, until, cancel);
            if (blobs.Sum(blob => blob.Bytes) is var bytes && bytes > mostBytes)
            {
                throw new InputException($"The prediction log has {bytes:N0} bytes of this time, and {mostBytes:N0} are taken at once. Choose a shorter one.");
            }
            var paths = new List<string>();
            foreach (var some in blobs.Chunk(AtOnce))
            {
                paths.AddRange(await DownloadAsync(some, folder, paths.Count, cancel));
            }
            return (IReadOnlyList<string>)paths;
        });

    /// <summary>What is listed may be compacted before it is read: its rows stand elsewhere then.</summary>
    private static async Task<T> FromTheStartAsync<T>(Func<Task<T>> download)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await download();
            }
            catch (RequestFailedException gone) when (gone.Status == 404 && tries < MostTries)
            {
            }
        }
    }

    private async Task<IReadOnlyList<string>> DownloadAsync(IReadOnlyList<LogBlob> blobs, string folder, int first, CancellationToken cancel)
    {
        var files = blobs
            .Select((blob, i) => (blob.Name, Path: Path.Combine(folder, $"{first + i}{(blob.IsCompacted ? LoggedSql.FileExtension : ".jsonl")}"))).ToList();
        await Parallel.ForEachAsync(files, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (file, stop) =>
            await storage.Predictions.GetBlobClient(file.Name).DownloadToAsync(file.Path, stop));
        return [.. files.Select(file => file.Path)];
    }

    /// <summary>Blobs of the hours that the window touches, newest first.</summary>
    private async Task<IReadOnlyList<LogBlob>> ListAsync(string model, DateTimeOffset from, DateTimeOffset until, CancellationToken cancel)
    {
        var found = new List<LogBlob>();
        for (var day = new DateTimeOffset(from.UtcDateTime.Date, TimeSpan.Zero); day < until; day = day.AddDays(1))
        {
            var blobs = await LogListing.ListAsync(storage, PredictionBlobs.DayPrefix(model, day), cancel);
            found.AddRange(LogListing.Counted(blobs).Where(blob => blob.Hour < until && blob.Hour.AddHours(1) > from));
        }
        return [.. found.OrderByDescending(blob => blob.Hour).ThenByDescending(blob => blob.Modified)];
    }
}
