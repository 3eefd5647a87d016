using Azure.Storage.Blobs.Models;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Deletion;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Feedback;

/// <summary>
/// Deletes what is kept of predictions when its time is over: hours of the prediction log, what was told of them, and checks of live rows. The same on one
/// machine and in Azure, where a rule of the storage account deletes blobs too, and nothing but this the rows of a table.
/// </summary>
public sealed partial class PredictionRetention(
    PipelineStorage storage, FeedbackStore feedback, RetentionOptions options, TimeProvider time, ILogger<PredictionRetention> logger)
{
    private const string Checks = "live-drift/";

    private static readonly TimeSpan Pause = TimeSpan.FromHours(1);

    private long? looked;

    /// <summary>Deletes what is too old, unless that was done within the last hour.</summary>
    public async Task DeleteAsync(CancellationToken cancel)
    {
        if (looked is { } before && time.GetElapsedTime(before) < Pause)
        {
            return;
        }
        var oldest = time.GetUtcNow().AddDays(-options.PredictionDays);
        var hours = await DeleteHoursAsync(oldest, cancel);
        var told = await feedback.DeleteBeforeAsync(oldest, cancel);
        var checks = await DeleteChecksAsync(oldest, cancel);
        looked = time.GetTimestamp();
        if (hours + told + checks > 0)
        {
            LogDeleted(hours, told, checks, options.PredictionDays);
        }
    }

    /// <summary>Blobs of lines before compacted ones: what these hold would count again without them.</summary>
    private async Task<int> DeleteHoursAsync(DateTimeOffset oldest, CancellationToken cancel)
    {
        var deleted = 0;
        foreach (var (model, day) in (await LogListing.ListDaysAsync(storage, cancel)).Where(entry => entry.Day < oldest))
        {
            var blobs = await LogListing.ListAsync(storage, PredictionBlobs.DayPrefix(model, day), cancel);
            foreach (var blob in blobs.Where(blob => blob.Hour.AddHours(1) <= oldest).OrderBy(blob => blob.IsCompacted))
            {
                await storage.Predictions.DeleteLeasedAsync(blob.Name, cancel);
                deleted++;
            }
        }
        return deleted;
    }

    private async Task<int> DeleteChecksAsync(DateTimeOffset oldest, CancellationToken cancel)
    {
        var deleted = 0;
        await foreach (var blob in storage.Artifacts.GetBlobsAsync(BlobTraits.None, BlobStates.None, Checks, cancel))
        {
            if (LiveDriftStore.TimeOf(blob.Name) is { } at && at < oldest)
            {
                await storage.Artifacts.DeleteBlobIfExistsAsync(blob.Name, DeleteSnapshotsOption.IncludeSnapshots, cancellationToken: cancel);
                deleted++;
            }
        }
        return deleted;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Kept no longer than {Days} days: {Blobs} blobs of the prediction log, {Told} rows of feedback and "
        + "{Checks} files of checks were deleted")]
    private partial void LogDeleted(int blobs, int told, int checks, int days);
}
