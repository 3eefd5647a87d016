using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Doctor;

/// <summary>What must hold of runs.</summary>
internal static class RunChecks
{
    private const string LeftRunning = "The run had ended while this stage still counted as running.";

    public static async Task<IReadOnlyList<Finding>> OfAsync(
        IEnumerable<RunDetails> runs, IReadOnlyList<ModelVersion> versions, RunStore store, DefinitionStore definitions, CancellationToken cancel)
    {
        var registered = versions.ToDictionary(version => (version.Model, version.Version), version => version.RunId);
        var byRun = versions.GroupBy(version => version.RunId).ToDictionary(group => group.Key, group => group.First().Version, StringComparer.Ordinal);
        var known = new HashSet<string>(StringComparer.Ordinal);
        var found = new List<Finding>();
        foreach (var (run, stages) in runs.Select(details => (details.Run, details.Stages)))
        {
            var where = $"runs/{run.RunId}";
            if (run.HasEnded && stages.Any(stage => stage.State == StageState.Running))
            {
                found.Add(new Finding(FindingKind.Broken, where, "It has ended, and a stage of it counts as running.")
                {
                    Remedy = "marks the stage as failed",
                    Repair = stop => store.CloseStagesAsync(run.RunId, LeftRunning, stop),
                });
            }
            if (run.Version is { } version && !registered.ContainsKey((run.Model, version)))
            {
                found.Add(new Finding(FindingKind.Broken, where, $"It made version {version}, which the registry does not have. Restore a backup."));
            }
            if (run is { State: RunState.Succeeded, Version: null } && byRun.TryGetValue(run.RunId, out var made))
            {
                found.Add(new Finding(FindingKind.Broken, where, $"It registered version {made}, and its row does not say so.")
                {
                    Remedy = $"writes version {made} on it",
                    Repair = stop => store.UpdateAsync(run.RunId, row => row with { Version = made }, stop),
                });
            }
            if (run.DefinitionId is { Length: > 0 } definition && known.Add(definition) && !await definitions.HasSnapshotAsync(definition, cancel))
            {
                found.Add(new Finding(FindingKind.Broken, where, $"Its definition {definition} is not there, so that it cannot go on or be understood. Restore "
                    + "a backup."));
            }
        }
        return found;
    }

    /// <summary>Files that neither a run nor a version names.</summary>
    public static IEnumerable<(string Why, StoredBlob Blob)> Orphans(
        IReadOnlyList<RunDetails> runs, IReadOnlyList<ModelVersion> versions, IReadOnlyDictionary<string, StoredBlob> blobs)
    {
        var named = runs.SelectMany(run => run.Artifacts).Select(artifact => artifact.Blob).ToHashSet(StringComparer.Ordinal);
        var models = versions.Select(version => version.ModelBlobs).ToHashSet(StringComparer.Ordinal);
        var ids = runs.Select(run => run.Run.RunId).ToHashSet(StringComparer.Ordinal);
        // A trained model is kept for the next run of the same data: only what stands under a run that is gone is nobody's.
        return blobs.Values
            .Where(blob => !blob.Name.StartsWith("models/", StringComparison.Ordinal) && !named.Contains(blob.Name)
                && !models.Contains(FolderOf(blob.Name)) && !ids.Contains(blob.Name.Split('/')[0]))
            .Select(blob => ("no run and no version names them", blob));
    }

    private static string FolderOf(string name) => name[..Math.Max(0, name.LastIndexOf('/'))];
}
