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
/// A blob is deleted by a copy of it without the rows (<see cref="PredictionBlobs.CopyOf"/>), then the blob itself goes. A copy does not count while its
/// blob is there, so nothing is lost or read twice wherever that stops, and the same again finishes it. A lease keeps the host that writes the blob from
/// adding to it meanwhile: it begins another one.
/// </remarks>
public sealed class KeyedRows(PipelineStorage storage, TimeProvider time)
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
        var lines = new KeyedLines(key);
        var today = new DateTimeOffset(time.GetUtcNow().UtcDateTime.Date, TimeSpan.Zero);
        var rows = 0L;
        for (var day = today.AddDays(1 - days); day <= today; day = day.AddDays(1))
        {
            foreach (var blob in PredictionBlobs.WithoutSpareCopies(await ListAsync(PredictionBlobs.DayPrefix(model, day), cancel)))
            {
                if (await FindContentAsync(blob, cancel) is { } content)
                {
                    rows += await lines.WriteAsync(content, output, cancel);
                }
            }
        }
        return rows;
    }

    /// <summary>Deletes the key's rows, of all days.</summary>
    /// <exception cref="InputException">Somebody else deletes rows of the same hour.</exception>
    public async Task<DeletedRows> DeleteAsync(string model, string key, CancellationToken cancel)
    {
        var lines = new KeyedLines(key);
        var deleted = new DeletedRows(0, 0);
        var blobs = await ListAsync($"{model}/", cancel);
        // Blobs before copies: a copy that a killed deletion has left is then written again, and no copy is without its blob but those that count.
        foreach (var blob in blobs.OrderBy(PredictionBlobs.IsCopy))
        {
            if (await DeleteAsync(blob, lines, cancel) is > 0 and var rows)
            {
                deleted = new DeletedRows(deleted.Rows + rows, deleted.Files + 1);
            }
        }
        return deleted;
    }

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

    private async Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancel)
    {
        var names = new List<string>();
        await foreach (var blob in storage.Predictions.GetBlobsAsync(BlobTraits.None, BlobStates.None, prefix, cancel))
        {
            if (blob.Properties.ContentLength > 0 && PredictionBlobs.HourOf(blob.Name) is not null)
            {
                names.Add(blob.Name);
            }
        }
        return names;
    }
}
