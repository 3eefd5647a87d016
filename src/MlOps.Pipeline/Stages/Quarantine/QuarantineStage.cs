using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Quarantine;

/// <param name="Error">Why not.</param>
public sealed record QuarantineInput(string Error);

/// <param name="Blob">Where the file is now, <c>quarantine/{model}/{run}/{file}</c>; null when it stays where it was.</param>
/// <param name="Report">The stage's account.</param>
public sealed record QuarantineOutput(string? Blob, StageReport Report) : IStageOutput;

/// <summary>
/// Moves a dropped file that no run can read out of <c>raw</c>, with the reason beside it as <c>{file}.error.txt</c>, so that the next
/// scheduled run does not meet it again. Files that a person or a schedule named stay: they asked for this very one.
/// </summary>
public sealed class QuarantineStage(RunStore runs, PipelineStorage storage) : IStage<QuarantineInput, QuarantineOutput>
{
    public static string Name => "quarantine";

    public async Task<QuarantineOutput> RunAsync(StageContext context, QuarantineInput input, CancellationToken cancel)
    {
        if (await runs.FindAsync(context.RunId, cancel) is not { Trigger: RunTriggers.File } run || !run.Source.StartsWith("raw/", StringComparison.Ordinal))
        {
            return new QuarantineOutput(null, new StageReport());
        }
        var file = run.Source["raw/".Length..];
        var place = $"{run.Model}/{run.RunId}/{file[(run.Model.Length + 1)..]}";
        var (from, to) = (storage.Raw.GetBlobClient(file), storage.Quarantine.GetBlobClient(place));
        if (await MoveAsync(from, to, run.SourceETag is { } read ? new ETag(read) : null, cancel))
        {
            context.Warn(WarningCodes.Quarantined, $"{run.Source} was moved to quarantine/{place}.");
        }
        else if (!await to.ExistsAsync(cancel))
        {
            context.Warn(WarningCodes.NotQuarantined, $"{run.Source} is not the file any more that this run was asked for, and stays where it is.");
            return new QuarantineOutput(null, new StageReport());
        }
        await storage.Quarantine.GetBlobClient(place + ".error.txt")
            .UploadAsync(BinaryData.FromString(input.Error + Environment.NewLine), overwrite: true, cancel);
        return new QuarantineOutput($"quarantine/{place}", new StageReport());
    }

    /// <summary>
    /// Moves only the state of the file that the run has read; false when that is gone, moved by an earlier call, or overwritten: the newer file, which may be
    /// the mended one, stays.
    /// </summary>
    /// <param name="from">The file.</param>
    /// <param name="to">Where it goes.</param>
    /// <param name="read">That state; null: the present one.</param>
    /// <param name="cancel">Stops it.</param>
    private static async Task<bool> MoveAsync(BlobClient from, BlobClient to, ETag? read, CancellationToken cancel)
    {
        try
        {
            var same = new BlobDownloadOptions { Conditions = read is null ? null : new BlobRequestConditions { IfMatch = read } };
            BlobDownloadStreamingResult content = await from.DownloadStreamingAsync(same, cancel);
            await using var stream = content.Content;
            await to.UploadAsync(stream, overwrite: true, cancel);
            await from.DeleteAsync(conditions: new BlobRequestConditions { IfMatch = content.Details.ETag }, cancellationToken: cancel);
            return true;
        }
        catch (RequestFailedException gone) when (gone.Status is 404 or 412)
        {
            return false;
        }
    }
}
