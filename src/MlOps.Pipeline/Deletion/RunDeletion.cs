using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Deletion;

/// <summary>
/// Deletes runs. What a run shares with others (dataset versions, trained models, the snapshot of its definition) stays: the doctor finds it when nothing
/// refers to it any more. Files that a run moved into quarantine stay, as they are somebody's.
/// </summary>
public sealed class RunDeletion(PipelineStorage storage, RunStore runs, ModelRegistry registry, DataLog log)
{
    /// <summary>
    /// Deletes a run with what it alone has: its files first, then what it logged, the run itself last. Wherever that breaks off the run is still found, and
    /// the same again finishes it.
    /// </summary>
    public async Task<DeletionResult> DeleteAsync(string runId, CancellationToken cancel)
    {
        if (await runs.FindAsync(runId, cancel) is not { } run)
        {
            return DeletionResult.Unknown;
        }
        if (await WhyNotAsync(run, cancel) is { } why)
        {
            return DeletionResult.Refused(why);
        }
        await DeleteAsync(run, cancel);
        return DeletionResult.Done;
    }

    /// <summary>Why a run is kept; null when it may be deleted.</summary>
    internal async Task<string?> WhyNotAsync(Run run, CancellationToken cancel)
    {
        if (!run.HasEnded)
        {
            return $"Run '{run.RunId}' is still {run.State.ToString().ToLowerInvariant()}. Wait until it has ended, or POST /runs/{run.RunId}/cancel first.";
        }
        return await registry.FindVersionOfAsync(run.Model, run.RunId, cancel) is { } version
            ? $"Run '{run.RunId}' registered version {version} of model '{run.Model}', which is explained by it. Delete the version first: "
                + $"DELETE /models/{run.Model}/versions/{version}, or 'delete version {run.Model} {version}'."
            : null;
    }

    internal async Task DeleteAsync(Run run, CancellationToken cancel)
    {
        await foreach (var blob in storage.Artifacts.GetBlobsAsync(default, default, $"{run.RunId}/", cancel))
        {
            await storage.Artifacts.DeleteBlobIfExistsAsync(blob.Name, cancellationToken: cancel);
        }
        await log.ForgetRunAsync(run, cancel);
        await runs.DeleteAsync(run.RunId, cancel);
    }
}
