using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Deletion;

/// <summary>Deletes models' definitions. Snapshots that runs used stay with these.</summary>
public sealed class DefinitionDeletion(PipelineStorage storage, DefinitionStore definitions, ModelRegistry registry, RunStore runs)
{
    public async Task<DeletionResult> DeleteAsync(string model, CancellationToken cancel)
    {
        if (await definitions.FindTimeAsync(model, cancel) is null)
        {
            return DeletionResult.Unknown;
        }
        if ((await registry.FindAsync(model, cancel))?.Production is { } production)
        {
            return DeletionResult.Refused(
                $"Version {production} of model '{model}' is in production, and the definition says how its rows are kept and watched. Take it out of "
                + $"production first: DELETE /models/{model}/aliases/{ModelAlias.Production}, or 'delete alias {model} {ModelAlias.Production}'.");
        }
        if ((await runs.ListUnfinishedAsync(model, cancel)) is [var unfinished, ..])
        {
            return DeletionResult.Refused(
                $"Run '{unfinished.RunId}' of model '{model}' has not ended. Wait until it has, or POST /runs/{unfinished.RunId}/cancel first.");
        }
        await definitions.DeleteAsync(model, cancel);
        // A later definition with the same schedule counts from when it is put there. Killed before this, one time too many is made up for.
        await storage.Marks.DeleteEntityAsync(MarkKinds.Schedule, model, cancellationToken: cancel);
        return DeletionResult.Done;
    }
}
