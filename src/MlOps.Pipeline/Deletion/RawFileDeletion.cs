using Azure;
using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Deletion;

/// <summary>Deletes uploaded files. What was ingested of one stays, as a dataset version.</summary>
public sealed class RawFileDeletion(PipelineStorage storage, RunStore runs)
{
    /// <param name="model">The model in whose folder it is.</param>
    /// <param name="file">Its name there.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<DeletionResult> DeleteAsync(string model, string file, CancellationToken cancel)
    {
        var (blob, source) = (storage.Raw.GetBlobClient($"{model}/{file}"), $"raw/{model}/{file}");
        if (await blob.GetPropertiesAsync(cancellationToken: cancel).OrNullAsync() is not { } found)
        {
            return DeletionResult.Unknown;
        }
        if ((await runs.ListUnfinishedAsync(cancel)).FirstOrDefault(run => run.Source == source) is { } reading)
        {
            return DeletionResult.Refused(
                $"Run '{reading.RunId}' is to read '{source}' and has not ended. Wait until it has, or POST /runs/{reading.RunId}/cancel first.");
        }
        try
        {
            // Only what was looked at: a newer file of that name is somebody else's, and may have a run.
            await blob.DeleteIfExistsAsync(conditions: new BlobRequestConditions { IfMatch = found.Value.ETag }, cancellationToken: cancel);
        }
        catch (RequestFailedException overwritten) when (overwritten.Status == 412)
        {
            return DeletionResult.Refused($"'{source}' was overwritten at this moment. Look at it, and delete it again if the newer one is to go too.");
        }
        return DeletionResult.Done;
    }
}
