using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Serving.Monitoring;

/// <summary>What became of a deletion.</summary>
/// <param name="Rows">Rows deleted.</param>
/// <param name="Files">Files of the log that were written again without them.</param>
/// <param name="Feedback">What was told of the key, deleted too.</param>
public sealed record DeletedRows(long Rows, int Files, int Feedback = 0);

/// <summary>Finds and deletes the rows of the prediction log that are about one person or thing.</summary>
/// <remarks>
/// Of a blob of lines a copy is made without the rows (<see cref="PredictionBlobs.CopyOf"/>), then the blob itself goes. A copy does not count while
/// its blob is there, so nothing is lost or read twice wherever that stops, and the same again finishes it. A lease keeps the host that writes the blob from
/// adding to it meanwhile: it begins another one. A compacted blob is replaced in one write. Whoever compacts at the same moment has read the rows perhaps:
/// its claim is removed, which ends it (<see cref="PredictionCompactor"/>), until a list of the log has neither a claim nor a compacted blob that was not seen.
/// </remarks>
public sealed class KeyedRows(PipelineStorage storage, CompactedRows compacted, TimeProvider time)
{
    /// <summary>Longest time that a blob may take. Who is killed leaves the lease behind for as long.</summary>
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(60);

    private const int MostTries = 5;

    /// <summary>Writes the key's lines, the oldest first, as they stand in the log.</summary>
    /// <param name="model">The model.</param>
    /// <param name="key">The key.</param>
    /// <param name="days">Those of the last days, today among them.</param>
    /// <param name="output">Takes them.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<long> ExportAsync(string model, string key, int days, Stream output, CancellationToken cancel)
    {
        var today = new DateTimeOffset(time.GetUtcNow().UtcDateTime.Date, TimeSpan.Zero);
        var rows = 0L;
        for (var day = today.AddDays(1 - days); day <= today; day = day.AddDays(1))
        {
            var blobs = await LogListing.ListAsync(storage, PredictionBlobs.DayPrefix(model, day), cancel);
            foreach (var hour in blobs.GroupBy(blob => blob.Folder))
            {
                rows += await ExportAsync(hour.Key, [.. hour], key, output, cancel);
            }
        }
        return rows;
    }

    /// <summary>An hour's lines are written when all of them are read: where it is compacted meanwhile, they are read again.</summary>
    private async Task<long> ExportAsync(string hour, IReadOnlyList<LogBlob> blobs, string key, Stream output, CancellationToken cancel)
    {
        for (var tries = 1; ; tries++)
        {
            using var found = new MemoryStream();
            if (await TryExportAsync(blobs, key, found, cancel) is { } rows)
            {
                await output.WriteAsync(found.GetBuffer().AsMemory(0, (int)found.Length), cancel);
                return rows;
            }
            if (tries == MostTries)
            {
                throw new IOException($"The rows of {hour} in the prediction log change all the time. Ask again in a minute.");
            }
            blobs = await LogListing.ListAsync(storage, hour, cancel);
        }
    }

    /// <summary>Null when a blob is gone. Lines that came late are newer than what is compacted.</summary>
    private async Task<long?> TryExportAsync(IReadOnlyList<LogBlob> blobs, string key, Stream output, CancellationToken cancel)
    {
        var (lines, rows) = (new KeyedLines(key), 0L);
        foreach (var blob in LogListing.Counted(blobs).OrderByDescending(blob => blob.IsCompacted))
        {
            var found = blob.IsCompacted ? await compacted.WriteAsync(blob, key, output, cancel)
                : await FindContentAsync(blob.Name, cancel) is { } content ? await lines.WriteAsync(content, output, cancel)
                : null;
            if (found is null)
            {
                return null;
            }
            rows += found.Value;
        }
        return rows;
    }

    /// <summary>Deletes the key's rows, of all days.</summary>
    /// <exception cref="InputException">Somebody else deletes rows of the same hour.</exception>
    public async Task<DeletedRows> DeleteAsync(string model, string key, CancellationToken cancel)
    {
        var (lines, seen, deleted) = (new KeyedLines(key), new HashSet<(string, ETag)>(), new DeletedRows(0, 0));
        for (var isFirst = true; ; isFirst = false)
        {
            var blobs = await LogListing.ListAsync(storage, $"{model}/", cancel);
            foreach (var left in LogListing.Left(blobs))
            {
                await storage.Predictions.DeleteLeasedAsync(left.Name, cancel);
            }
            var claims = blobs.Where(blob => blob.IsClaim).ToList();
            foreach (var claim in claims)
            {
                await storage.Predictions.TryRemoveAsync(claim.Name, claim.State, cancel);
            }
            var unseen = blobs.Where(blob => blob is { IsCompacted: true, IsClaim: false } && seen.Add((blob.Name, blob.State))).ToList();
            foreach (var blob in unseen)
            {
                var (rows, state) = await compacted.DeleteAsync(blob, key, cancel);
                seen.Add((blob.Name, state));
                deleted = Add(deleted, rows);
            }
            if (isFirst)
            {
                // Blobs before copies: a copy that a killed deletion has left is then written again, and no copy is without its blob but those that count.
                foreach (var blob in blobs.Where(blob => !blob.IsCompacted && blob.Bytes > 0).Except(LogListing.Left(blobs))
                    .OrderBy(blob => PredictionBlobs.IsCopy(blob.Name)))
                {
                    deleted = Add(deleted, await DeleteAsync(blob.Name, lines, cancel));
                }
            }
            else if (claims.Count == 0 && unseen.Count == 0)
            {
                return deleted;
            }
        }
    }

    private static DeletedRows Add(DeletedRows deleted, long rows) => rows > 0 ? new DeletedRows(deleted.Rows + rows, deleted.Files + 1) : deleted;

    private async Task<long> DeleteAsync(string blob, KeyedLines lines, CancellationToken cancel)
    {
        if (await FindContentAsync(blob, cancel) is not { } content)
        {
            return await DeleteGoneAsync(blob, lines, cancel);
        }
        // Most blobs have none of the key's rows, and are left alone.
        if (!lines.AreIn(content))
        {
            return 0;
        }
        for (var tries = 1; ; tries++)
        {
            var lease = storage.Predictions.GetBlobClient(blob).GetBlobLeaseClient();
            if (!await TryAcquireAsync(lease, blob, cancel))
            {
                return await DeleteGoneAsync(blob, lines, cancel);
            }
            try
            {
                return PredictionBlobs.IsCopy(blob)
                    ? await ReplaceAsync(blob, lease.LeaseId, lines, cancel)
                    : await CopyAsync(blob, lease.LeaseId, lines, cancel);
            }
            catch (RequestFailedException changed) when (changed.Status is 409 or 412 && tries < MostTries)
            {
                // It took longer than the lease, and somebody else went on.
            }
            finally
            {
                await ReleaseAsync(lease);
            }
        }
    }

    /// <summary>A blob that was there just now: somebody else has deleted rows of it, and its copy may have ours.</summary>
    private Task<long> DeleteGoneAsync(string blob, KeyedLines lines, CancellationToken cancel) =>
        PredictionBlobs.IsCopy(blob) ? Task.FromResult(0L) : DeleteAsync(PredictionBlobs.CopyOf(blob), lines, cancel);

    /// <summary>False when the blob is gone.</summary>
    private static async Task<bool> TryAcquireAsync(BlobLeaseClient lease, string blob, CancellationToken cancel)
    {
        try
        {
            await lease.AcquireAsync(LeaseTime, cancellationToken: cancel);
            return true;
        }
        catch (RequestFailedException gone) when (gone.Status == 404)
        {
            return false;
        }
        catch (RequestFailedException held) when (held.ErrorCode == BlobErrorCode.LeaseAlreadyPresent)
        {
            throw new InputException(
                $"Rows of {blob} are being deleted by somebody else, or were by somebody who was killed. Nothing is lost: ask again in a minute.", held);
        }
    }

    /// <summary>A blob that a host may still write to: its type cannot be changed, and its content only be added to.</summary>
    private async Task<long> CopyAsync(string blob, string lease, KeyedLines lines, CancellationToken cancel)
    {
        var copy = storage.Predictions.GetBlobClient(PredictionBlobs.CopyOf(blob));
        var before = (await copy.GetPropertiesAsync(cancellationToken: cancel).OrNullAsync())?.Value.ETag;
        if (await FindContentAsync(blob, cancel) is not { } content)
        {
            return 0;
        }
        var (kept, rows) = lines.Without(content);
        await copy.UploadAsync(
            kept,
            new BlobUploadOptions
            {
                HttpHeaders = PredictionBlobs.Headers,
                Conditions = before is { } state ? new BlobRequestConditions { IfMatch = state } : new BlobRequestConditions { IfNoneMatch = ETag.All },
            },
            cancel);
        await storage.Predictions.GetBlobClient(blob).DeleteIfExistsAsync(
            DeleteSnapshotsOption.IncludeSnapshots, new BlobRequestConditions { LeaseId = lease }, cancel);
        return rows;
    }

    private async Task<long> ReplaceAsync(string blob, string lease, KeyedLines lines, CancellationToken cancel)
    {
        if (await FindContentAsync(blob, cancel) is not { } content)
        {
            return 0;
        }
        var (kept, rows) = lines.Without(content);
        await storage.Predictions.GetBlobClient(blob).UploadAsync(
            kept,
            new BlobUploadOptions { HttpHeaders = PredictionBlobs.Headers, Conditions = new BlobRequestConditions { LeaseId = lease } },
            cancel);
        return rows;
    }

    private static async Task ReleaseAsync(BlobLeaseClient lease)
    {
        try
        {
            await lease.ReleaseAsync(cancellationToken: CancellationToken.None);
        }
        catch (RequestFailedException)
        {
            // The blob is gone, or storage is: the lease ends by itself.
        }
    }

    private async Task<BinaryData?> FindContentAsync(string blob, CancellationToken cancel) =>
        await storage.Predictions.FindContentAsync(blob, cancel);
}
