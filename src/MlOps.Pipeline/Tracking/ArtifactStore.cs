using Azure;
using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Tracking;

/// <summary>Files that runs keep, in blobs; the run's index names them.</summary>
public sealed class ArtifactStore(PipelineStorage storage, RunStore runs)
{
    /// <summary>Stores a file under a blob name of the caller's choice and lists it on the run. Writing the same again changes nothing.</summary>
    public async Task<Artifact> SaveAsync(string runId, string path, string blob, BinaryData content, CancellationToken cancel)
    {
        await storage.Artifacts.GetBlobClient(blob).UploadAsync(content, overwrite: true, cancel);
        var artifact = new Artifact(path, blob, content.ToMemory().Length);
        await runs.LogArtifactsAsync(runId, [artifact], cancel);
        return artifact;
    }

    /// <summary>Lists files that are stored already on a run.</summary>
    public Task ListAsync(string runId, IEnumerable<Artifact> stored, CancellationToken cancel) => runs.LogArtifactsAsync(runId, stored, cancel);

    /// <summary>Reads a whole artifact into memory.</summary>
    /// <exception cref="RequestFailedException">There is no such blob (status 404).</exception>
    public async Task<BinaryData> ReadAsync(string blob, CancellationToken cancel)
    {
        BlobDownloadResult result = await storage.Artifacts.GetBlobClient(blob).DownloadContentAsync(cancel);
        return result.Content;
    }

    /// <summary>Reads a whole artifact into memory; null when there is none.</summary>
    public Task<BinaryData?> FindAsync(string blob, CancellationToken cancel) => storage.Artifacts.FindContentAsync(blob, cancel);

    /// <summary>Opens an artifact for streaming; null when the run has none of that path.</summary>
    public async Task<(Artifact Artifact, Stream Content)?> OpenAsync(string runId, string path, CancellationToken cancel)
    {
        if (await runs.FindArtifactAsync(runId, path, cancel) is not { } artifact)
        {
            return null;
        }
        var content = await storage.Artifacts.GetBlobClient(artifact.Blob).OpenReadAsync(cancellationToken: cancel);
        return (artifact, content);
    }
}
