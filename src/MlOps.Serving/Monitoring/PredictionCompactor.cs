using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Serving.Monitoring;

/// <summary>What became of a look at an hour.</summary>
internal enum HourState
{
    /// <summary>There is nothing left to compact.</summary>
    Done,

    /// <summary>There may be more.</summary>
    More,

    /// <summary>Somebody else is at it, or changes it: a later look goes on.</summary>
    Busy,
}

/// <summary>
/// Turns an hour's blobs of lines into compacted ones. A row counts once at every moment, whoever dies, and whoever does the same at the same time.
/// </summary>
/// <remarks>
/// <list type="number">
/// <item>An empty blob of the next number claims the hour: it can be made once. What stands in it later is written under the condition that it is still this
/// one, so whoever removes or takes over the claim has ended this compaction.</item>
/// <item>Each blob of lines is read, and closed by a line end more, at the length that was read: its writer finds another length than it left, and begins a
/// new blob.</item>
/// <item>One write makes the compacted blob visible, with the names of the blobs that it holds. From then on those do not count
/// (<see cref="LogListing.Counted"/>).</item>
/// <item>They are deleted. Who is killed before leaves that to the next look.</item>
/// </list>
/// A deletion of a key's rows removes claims, so that none of these rows comes back (<see cref="KeyedRows"/>).
/// </remarks>
internal sealed partial class PredictionCompactor(
    PipelineStorage storage, DuckDb duckDb, PipelineOptions options, CompactionOptions rules, TimeProvider time, ILogger<PredictionCompactor> logger)
{
    /// <summary>A blob's metadata has room for the names of more.</summary>
    private const int MostBlobs = 256;

    private const int MostTries = 5;

    /// <summary>Blobs with a line that is no JSON: they stay as they are.</summary>
    private readonly HashSet<string> unreadable = new(StringComparer.Ordinal);

    /// <summary>Does the next thing that is to be done of an hour.</summary>
    /// <param name="folder">The hour's prefix (<see cref="PredictionBlobs.HourPrefix"/>).</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<HourState> CompactAsync(string folder, CancellationToken cancel)
    {
        var blobs = await LogListing.ListAsync(storage, folder, cancel);
        foreach (var left in LogListing.Left(blobs))
        {
            await storage.Predictions.DeleteLeasedAsync(left.Name, cancel);
        }
        if (ToCompact(blobs) is not { Count: > 0 } lines)
        {
            return HourState.Done;
        }
        foreach (var claim in blobs.Where(blob => blob.IsClaim))
        {
            // By whichever clock: a claim that is removed too early costs its owner the work, and nothing else.
            if ((time.GetUtcNow() - claim.Modified).Duration() < rules.ClaimLasts || !await TryRemoveAsync(claim.Name, claim.State, cancel))
            {
                return HourState.Busy;
            }
        }
        var name = PredictionBlobs.NextCompacted(folder, blobs);
        return await TryClaimAsync(name, cancel) is { } mine ? await CompactAsync(lines, name, mine, cancel) : HourState.Busy;
    }

    /// <summary>Whether an hour has anything to do, as far as a list of its blobs says.</summary>
    public bool HasWork(IReadOnlyCollection<LogBlob> blobs) => LogListing.Left(blobs).Count > 0 || ToCompact(blobs).Count > 0;

    /// <summary>Blobs of lines that go into the next compacted one.</summary>
    private List<LogBlob> ToCompact(IReadOnlyCollection<LogBlob> blobs)
    {
        var (chosen, bytes) = (new List<LogBlob>(), 0L);
        foreach (var blob in LogListing.Counted(blobs).Where(blob => PredictionBlobs.IsOwn(blob.Name) && !unreadable.Contains(blob.Name)))
        {
            if (chosen.Count == MostBlobs || (chosen.Count > 0 && bytes + blob.Bytes > rules.BlobBytes))
            {
                break;
            }
            chosen.Add(blob);
            bytes += blob.Bytes;
        }
        return chosen;
    }

    private async Task<HourState> CompactAsync(IReadOnlyList<LogBlob> lines, string name, ETag claim, CancellationToken cancel)
    {
        var work = Path.Combine(options.WorkFolder, "live", Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(work);
        var isWritten = false;
        try
        {
            if (await TryReadAsync(lines, work, cancel) is not { } files)
            {
                return HourState.Busy;
            }
            var taken = await Task.Run(() => Write(files, Path.Combine(work, "rows.parquet"), cancel), cancel);
            if (taken.Count == 0)
            {
                return HourState.More;
            }
            isWritten = await TryCommitAsync(Path.Combine(work, "rows.parquet"), name, claim, taken, cancel);
            if (!isWritten)
            {
                return HourState.Busy;
            }
            foreach (var blob in taken)
            {
                await storage.Predictions.DeleteLeasedAsync(blob.Name, cancel);
            }
            LogCompacted(taken.Count, name);
            return HourState.More;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
            if (!isWritten)
            {
                await GiveUpAsync(name, claim);
            }
        }
    }

    /// <summary>Null when somebody else has the name.</summary>
    private async Task<ETag?> TryClaimAsync(string name, CancellationToken cancel)
    {
        try
        {
            var onlyOnce = new BlobUploadOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All } };
            return (await storage.Predictions.GetBlobClient(name).UploadAsync(BinaryData.FromBytes(Array.Empty<byte>()), onlyOnce, cancel)).Value.ETag;
        }
        catch (RequestFailedException taken) when (taken.Status is 409 or 412)
        {
            return null;
        }
    }

    /// <summary>Reads blobs of lines to their present ends and closes them there; null when one of them is somebody else's at this moment.</summary>
    private async Task<IReadOnlyList<(LogBlob Blob, string Path)>?> TryReadAsync(IReadOnlyList<LogBlob> lines, string work, CancellationToken cancel)
    {
        var files = new List<(LogBlob, string)>();
        foreach (var blob in lines)
        {
            var path = Path.Combine(work, $"{files.Count}.jsonl");
            if (!await TryReadAsync(blob, path, cancel))
            {
                return null;
            }
            files.Add((blob, path));
        }
        return files;
    }

    private async Task<bool> TryReadAsync(LogBlob blob, string path, CancellationToken cancel)
    {
        for (var tries = 1; tries <= MostTries; tries++)
        {
            if (await storage.Predictions.GetBlobClient(blob.Name).DownloadToAsync(path, cancel).OrNullAsync() is null)
            {
                return false;
            }
            if (!blob.IsAppended || EndsClosed(path) || await TryCloseAsync(blob.Name, new FileInfo(path).Length, cancel))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>False when it is longer by now, gone, or leased by who deletes rows of it.</summary>
    private async Task<bool> TryCloseAsync(string name, long length, CancellationToken cancel)
    {
        var onlyHere = new AppendBlobAppendBlockOptions { Conditions = new AppendBlobRequestConditions { IfAppendPositionEqual = length } };
        try
        {
            await storage.Predictions.GetAppendBlobClient(name).AppendBlockAsync(new MemoryStream("\n"u8.ToArray()), onlyHere, cancel);
            return true;
        }
        catch (RequestFailedException other) when (other.Status is 404 or 409 or 412)
        {
            return false;
        }
    }

    private static bool EndsClosed(string path)
    {
        using var file = File.OpenRead(path);
        if (file.Length < 2)
        {
            return false;
        }
        Span<byte> end = stackalloc byte[2];
        file.Seek(-2, SeekOrigin.End);
        file.ReadExactly(end);
        return end.SequenceEqual("\n\n"u8);
    }

    /// <summary>Writes the rows as Parquet; returns the blobs that are in it. One that has a line which is no JSON is left out.</summary>
    private IReadOnlyList<LogBlob> Write(IReadOnlyList<(LogBlob Blob, string Path)> files, string path, CancellationToken cancel)
    {
        using var session = duckDb.Open(cancel);
        var wrong = session.Rows(LoggedSql.Unreadable([.. files.Select(file => file.Path)])).Select(row => Path.GetFileName((string)row[0]!))
            .ToHashSet(StringComparer.Ordinal);
        foreach (var (blob, _) in files.Where(file => wrong.Contains(Path.GetFileName(file.Path))))
        {
            unreadable.Add(blob.Name);
            LogUnreadable(blob.Name);
        }
        var taken = files.Where(file => !wrong.Contains(Path.GetFileName(file.Path))).ToList();
        if (taken.Count == 0)
        {
            return [];
        }
        var lines = taken.Sum(file => LinesIn(file.Path));
        var rows = session.Copy(LoggedSql.Compacted([.. taken.Select(file => file.Path)]), path, LoggedSql.Compression);
        return rows == lines
            ? [.. taken.Select(file => file.Blob)]
            : throw new InvalidOperationException($"{lines} lines of {taken[0].Blob.Folder} were read as {rows} rows.");
    }

    /// <summary>Lines with anything but blanks.</summary>
    private static long LinesIn(string path)
    {
        using var file = File.OpenRead(path);
        var buffer = new byte[64 * 1024];
        var (lines, isBlank) = (0L, true);
        while (file.Read(buffer) is > 0 and var read)
        {
            foreach (var sign in buffer.AsSpan(0, read))
            {
                lines += isBlank && sign is not ((byte)'\n' or (byte)' ' or (byte)'\r' or (byte)'\t') ? 1 : 0;
                isBlank = sign == (byte)'\n' || (isBlank && sign is ((byte)' ' or (byte)'\r' or (byte)'\t'));
            }
        }
        return lines;
    }

    private Task<bool> TryCommitAsync(string path, string name, ETag claim, IReadOnlyList<LogBlob> holds, CancellationToken cancel)
    {
        var onlyMine = new BlobUploadOptions
        {
            Conditions = new BlobRequestConditions { IfMatch = claim },
            HttpHeaders = PredictionBlobs.CompactedHeaders,
            Metadata = PredictionBlobs.MetadataOf(holds),
        };
        return storage.Predictions.GetBlobClient(name).UploadAsync(path, onlyMine, cancel).WinsAsync();
    }

    private async Task<bool> TryRemoveAsync(string name, ETag state, CancellationToken cancel) =>
        await storage.Predictions.TryRemoveAsync(name, state, cancel);

    private async Task GiveUpAsync(string name, ETag claim)
    {
        try
        {
            await TryRemoveAsync(name, claim, CancellationToken.None);
        }
        catch (Exception fault) when (fault is RequestFailedException or AggregateException)
        {
            // Storage is away: the claim is old one day.
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Blobs} blobs of the prediction log are compacted into {Name}")]
    private partial void LogCompacted(int blobs, string name);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Name} of the prediction log has a line that is no JSON; it stays as it is")]
    private partial void LogUnreadable(string name);
}
