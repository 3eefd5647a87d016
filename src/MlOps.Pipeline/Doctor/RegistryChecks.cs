using System.Security.Cryptography;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;

namespace MlOps.Pipeline.Doctor;

/// <summary>What must hold of models and their versions.</summary>
internal static class RegistryChecks
{
    /// <summary>Numbers without gap or double, and aliases that point at them.</summary>
    public static IEnumerable<Finding> Of(RegisteredModel model, IReadOnlyList<ModelVersion> versions)
    {
        var where = $"models/{model.Model}";
        var numbers = versions.Select(version => version.Version).Order().ToList();
        // A version registered between the two reads is newer than the head that was read first.
        var missing = Enumerable.Range(1, model.LatestVersion).Except(numbers).ToList();
        if (missing.Count > 0)
        {
            yield return Broken(where, $"{Names(missing)} {(missing.Count == 1 ? "is" : "are")} missing: their rows are gone. Restore a backup.");
        }
        foreach (var twice in versions.GroupBy(version => version.RunId).Where(group => group.Count() > 1))
        {
            yield return Broken(where, $"Run {twice.Key} registered {Names([.. twice.Select(version => version.Version)])}; a run registers one.");
        }
        foreach (var (alias, version) in model.Aliases.Where(alias => !numbers.Contains(alias.Value)))
        {
            yield return Broken(where, $"Alias '{alias}' points at version {version}, which there is not. Point it at another: mlops promote "
                + $"{model.Model} VERSION, or PUT /models/{model.Model}/aliases/{alias}.");
        }
    }

    /// <summary>Each file of a version is there, with the bytes that were registered.</summary>
    public static async Task<IReadOnlyList<Finding>> FilesAsync(
        PipelineStorage storage, IEnumerable<ModelVersion> versions, IReadOnlyDictionary<string, StoredBlob> artifacts, CancellationToken cancel)
    {
        var found = new List<Finding>();
        foreach (var version in versions)
        {
            foreach (var file in StoredModel.Files)
            {
                var blob = $"{version.ModelBlobs}/{file}";
                if (!artifacts.ContainsKey(blob))
                {
                    found.Add(Broken(Where(version), $"Its file {file} is not in artifacts/{version.ModelBlobs}. Restore a backup, or train it again."));
                }
                else if (version.Sha256?.GetValueOrDefault(file) is { } registered)
                {
                    await using var content = await storage.Artifacts.GetBlobClient(blob).OpenReadAsync(cancellationToken: cancel);
                    if (Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancel)) != registered)
                    {
                        found.Add(Broken(Where(version), $"Its file {file} has other bytes than were registered, and is refused. Restore a backup, or train it "
                            + "again."));
                    }
                }
            }
        }
        return found;
    }

    /// <summary>The dataset versions that a version comes from are there.</summary>
    public static IEnumerable<Finding> Lineage(ModelVersion version, IReadOnlyDictionary<string, DatasetManifest> manifests)
    {
        var (raw, clean, features, train, validation, test) = version.Lineage;
        foreach (var id in new[] { raw, clean, features, train, validation, test }.OfType<string>().Where(id => !manifests.ContainsKey(id)))
        {
            yield return Broken(Where(version), $"Dataset version {id}, which it comes from, is not there. It serves all the same; live drift and comparisons "
                + "need it. Restore a backup.");
        }
    }

    private static string Where(ModelVersion version) => $"models/{version.Model}/{version.Version}";

    private static string Names(IReadOnlyList<int> versions) => versions.Count == 1 ? $"Version {versions[0]}" : $"Versions {string.Join(", ", versions)}";

    private static Finding Broken(string where, string problem) => new(FindingKind.Broken, where, problem);
}
