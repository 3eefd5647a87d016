using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Deletion;

/// <summary>
/// Deletes models and versions of them. Their numbers, and every move of their aliases, are kept for good. The files of a version are found by the doctor when
/// neither a run nor another version refers to them.
/// </summary>
public sealed class ModelDeletion(PipelineStorage storage, ModelRegistry registry, RunStore runs)
{
    /// <summary>Goes with its version when a whole model is deleted: it only says which is the newest.</summary>
    private static readonly string[] Unimportant = [ModelAlias.Candidate];

    public async Task<DeletionResult> DeleteVersionAsync(string model, int version, CancellationToken cancel)
    {
        if (await registry.FindVersionAsync(model, version, cancel) is not { } found)
        {
            return DeletionResult.Unknown;
        }
        if (await runs.FindAsync(found.RunId, cancel) is { HasEnded: false })
        {
            return DeletionResult.Refused(
                $"Run '{found.RunId}', which registered version {version} of model '{model}', has not ended. Wait until it has, or "
                + $"POST /runs/{found.RunId}/cancel first.");
        }
        return await registry.DeleteVersionsAsync(model, [version], allowedAliases: [], Reason($"version {version}"), cancel) is { } serving
            ? DeletionResult.Refused(Serves(model, serving))
            : DeletionResult.Done;
    }

    /// <summary>
    /// Deletes all versions of a model, some at a time: wherever that breaks off, the model is there with fewer versions, and the same again goes on.
    /// </summary>
    public async Task<DeletionResult> DeleteAsync(string model, CancellationToken cancel)
    {
        if (await registry.FindAsync(model, cancel) is not { } found)
        {
            return DeletionResult.Unknown;
        }
        foreach (var (alias, version) in found.Aliases.OrderBy(alias => alias.Key, StringComparer.Ordinal))
        {
            if (!Unimportant.Contains(alias))
            {
                return DeletionResult.Refused(Serves(model, (alias, version)));
            }
        }
        if ((await runs.ListUnfinishedAsync(model, cancel)) is [var unfinished, ..])
        {
            return DeletionResult.Refused(
                $"Run '{unfinished.RunId}' of model '{model}' has not ended, and may register a version. Wait until it has, or "
                + $"POST /runs/{unfinished.RunId}/cancel first.");
        }
        // What was watched of it first: without versions nobody would find the way back here.
        await storage.Marks.DeleteEntityAsync(MarkKinds.LiveDrift, model, cancellationToken: cancel);
        await storage.Marks.DeleteEntityAsync(MarkKinds.Traffic, model, cancellationToken: cancel);
        var versions = await registry.ListVersionsAsync(model, cancel);
        return await registry.DeleteVersionsAsync(model, versions.Select(version => version.Version), Unimportant, Reason("the model"), cancel) is { } serving
            ? DeletionResult.Refused(Serves(model, serving))
            : DeletionResult.Done;
    }

    /// <summary>Takes an alias away; alias <c>production</c>: the model serves no more.</summary>
    public async Task<DeletionResult> DeleteAliasAsync(string model, string alias, CancellationToken cancel) =>
        await registry.RemoveAliasAsync(model, alias, "taken away", cancel) ? DeletionResult.Done : DeletionResult.Unknown;

    private static string Reason(string what) => $"{what} was deleted";

    private static string Serves(string model, (string Alias, int Version) serving) => serving.Alias == TrafficSplit.Name
        ? $"Version {serving.Version} of model '{model}' answers requests, or its answers are compared. End that first: DELETE /models/{model}/traffic, or "
            + $"'traffic {model} --end'."
        : $"Alias '{serving.Alias}' points at version {serving.Version} of model '{model}'. Point it at another "
        + $"version (PUT /models/{model}/aliases/{serving.Alias}), or take it away: DELETE /models/{model}/aliases/{serving.Alias}, or "
        + $"'delete alias {model} {serving.Alias}'.";
}
