using System.Security.Cryptography;
using System.Text.Json;
using Azure;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;

namespace MlOps.Pipeline.Doctor;

/// <summary>What must hold of models and their versions.</summary>
internal sealed class RegistryChecks(PipelineStorage storage, ModelRegistry registry, KeptData kept, UnreadableRecords unreadable)
{
    private readonly Dictionary<(string Model, int Version), string> there = [];
    private readonly Dictionary<string, int> byRun = new(StringComparer.Ordinal);
    private readonly HashSet<(string Model, int Version)> deleted = [];

    public int Models { get; private set; }

    public int Versions => there.Count;

    /// <summary>Whether there is, or was until it was deleted, such a version; or the model cannot be read.</summary>
    public bool WasThere(string model, int version) =>
        there.ContainsKey((model, version)) || deleted.Contains((model, version)) || unreadable.Has($"models/{model}");

    /// <summary>The version that a run registered.</summary>
    public int? VersionOf(string runId) => byRun.TryGetValue(runId, out var version) ? version : null;

    /// <summary>Numbers without gap or double, aliases that point at them; each file of a version is there, with the bytes that were registered.</summary>
    public async Task<IReadOnlyList<Finding>> CheckAsync(CancellationToken cancel)
    {
        var found = new List<Finding>();
        await foreach (var model in registry.ReadAllAsync((name, why) => unreadable.Add($"models/{name}", why), cancel))
        {
            try
            {
                found.AddRange(await OfAsync(model, cancel));
            }
            catch (Exception why) when (why is JsonException or InputException)
            {
                unreadable.Add($"models/{model.Model}", why);
            }
        }
        return found;
    }

    private async Task<IReadOnlyList<Finding>> OfAsync(RegisteredModel model, CancellationToken cancel)
    {
        // The head before the versions, these before those that were deleted: what changes in between is newer, or found on the other side.
        var versions = await registry.ListVersionsAsync(model.Model, cancel);
        foreach (var gone in await registry.ListDeletedAsync(model.Model, cancel))
        {
            deleted.Add((model.Model, gone.Version));
        }
        Models += versions.Count > 0 ? 1 : 0;
        List<Finding> found = [.. Of(model, versions), .. await AliasesAsync(model, versions, cancel)];
        foreach (var version in versions)
        {
            kept.Add(version);
            there[(version.Model, version.Version)] = version.RunId;
            byRun.TryAdd(version.RunId, version.Version);
            found.AddRange(await FilesAsync(version, cancel));
        }
        return found;
    }

    /// <summary>The dataset versions that versions come from are there.</summary>
    public async Task<IReadOnlyList<Finding>> LineageAsync(DatasetChecks datasets, CancellationToken cancel)
    {
        var found = new List<Finding>();
        foreach (var (model, number) in there.Keys)
        {
            if (await registry.FindVersionAsync(model, number, cancel) is not { } version || version.From is not null)
            {
                // A copy comes without rows unless they were asked for.
                continue;
            }
            var (raw, clean, features, train, validation, test) = version.Lineage;
            foreach (var id in new[] { raw, clean, features, train, validation, test }.OfType<string>())
            {
                if (!await datasets.ExistsAsync(id, cancel))
                {
                    found.Add(Broken(
                        Where(version),
                        $"Dataset version {id}, which it comes from, is not there. It serves all the same; live drift and comparisons need it. "
                            + "Restore a backup."));
                }
            }
        }
        return found;
    }

    private IEnumerable<Finding> Of(RegisteredModel model, IReadOnlyList<ModelVersion> versions)
    {
        var where = $"models/{model.Model}";
        var numbers = versions.Select(version => version.Version).Order().ToList();
        // A version registered between the two reads is newer than the head that was read first.
        var missing = Enumerable.Range(1, model.LatestVersion).Except(numbers).Where(number => !deleted.Contains((model.Model, number))).ToList();
        if (missing.Count > 0)
        {
            yield return Broken(where, $"{Names(missing)} {(missing.Count == 1 ? "is" : "are")} missing: their rows are gone. Restore a backup.");
        }
        foreach (var twice in versions.GroupBy(version => version.RunId).Where(group => group.Count() > 1))
        {
            var registered = string.Join(", ", twice.Select(version => version.Version).Order());
            yield return Broken(where, $"Run {twice.Key} registered versions {registered}; a run registers one.");
        }
    }

    /// <summary>
    /// Aliases of versions that there are not. An alias leaves a version with its deletion, so that one that was read before points at a deleted version, and
    /// one that is read after does not.
    /// </summary>
    private async Task<IReadOnlyList<Finding>> AliasesAsync(RegisteredModel model, IReadOnlyList<ModelVersion> versions, CancellationToken cancel)
    {
        var numbers = versions.Select(version => version.Version).ToHashSet();
        if (model.Aliases.Values.All(numbers.Contains))
        {
            return [];
        }
        var now = await registry.ReadAliasesAsync(model.Model, cancel);
        return
        [
            .. from alias in model.Aliases
               where !numbers.Contains(alias.Value) && now.GetValueOrDefault(alias.Key) == alias.Value
               select Broken($"models/{model.Model}", $"Alias '{alias.Key}' points at version {alias.Value}, which there is not. Point it at another: mlops "
                   + $"promote {model.Model} VERSION, or PUT /models/{model.Model}/aliases/{alias.Key}."),
        ];
    }

    private async Task<IReadOnlyList<Finding>> FilesAsync(ModelVersion version, CancellationToken cancel)
    {
        var found = new List<Finding>();
        foreach (var file in StoredModel.Files.Union(version.Sha256?.Keys ?? []))
        {
            var blob = storage.Artifacts.GetBlobClient($"{version.ModelBlobs}/{file}");
            try
            {
                if (version.Sha256?.GetValueOrDefault(file) is not { } registered)
                {
                    await blob.GetPropertiesAsync(cancellationToken: cancel);
                    continue;
                }
                await using var content = await blob.OpenReadAsync(cancellationToken: cancel);
                if (Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancel)) != registered)
                {
                    found.Add(Broken(Where(version), $"Its file {file} has other bytes than were registered, and is refused. Restore a backup, or train it "
                        + "again."));
                }
            }
            catch (RequestFailedException missing) when (missing.Status == 404)
            {
                found.Add(Broken(Where(version), $"Its file {file} is not in artifacts/{version.ModelBlobs}. Restore a backup, or train it again."));
            }
        }
        return found;
    }

    private static string Where(ModelVersion version) => $"models/{version.Model}/{version.Version}";

    private static string Names(IReadOnlyList<int> versions) => versions.Count == 1 ? $"Version {versions[0]}" : $"Versions {string.Join(", ", versions)}";

    private static Finding Broken(string where, string problem) => new(FindingKind.Broken, where, problem);
}
