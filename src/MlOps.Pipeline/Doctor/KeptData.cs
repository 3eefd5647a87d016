using System.Text.RegularExpressions;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Doctor;

/// <summary>What runs and versions refer to: names only, so that a storage of years fits into memory.</summary>
internal sealed partial class KeptData
{
    private readonly HashSet<string> datasets = new(StringComparer.Ordinal);
    private readonly HashSet<string> artifacts = new(StringComparer.Ordinal);
    private readonly HashSet<string> folders = new(StringComparer.Ordinal);
    private readonly HashSet<string> trained = new(StringComparer.Ordinal);
    private readonly HashSet<string> definitions = new(StringComparer.Ordinal);
    private readonly HashSet<string> runs = new(StringComparer.Ordinal);
    private readonly HashSet<string> models = new(StringComparer.Ordinal);

    public bool HasRun(string runId) => runs.Contains(runId);

    public bool HasDefinition(string id) => definitions.Contains(id);

    public bool HasDataset(string id) => datasets.Contains(id);

    /// <summary>Whether an artifact is somebody's: a run's or a version's, also where it stands beside the trained model that they name.</summary>
    public bool HasArtifact(string blob)
    {
        var parts = blob.Split('/');
        return parts[0] switch
        {
            TrainedFolder => trained.Contains(RootOf(blob)),
            LiveDriftFolder => parts.Length > 1 && models.Contains(parts[1]),
            _ => runs.Contains(parts[0]) || artifacts.Contains(blob) || folders.Contains(FolderOf(blob)),
        };
    }

    /// <summary>A run whose row cannot be read: what it refers to is unknown.</summary>
    public void AddUnreadable(string runId) => runs.Add(runId);

    public void Add(Run run)
    {
        runs.Add(run.RunId);
        definitions.Add(run.DefinitionId);
        AddDataset(run.Dataset);
        AddDataset(StoredSource.IdOf(run.Source));
    }

    public void Add(ModelVersion version)
    {
        models.Add(version.Model);
        definitions.Add(version.DefinitionId);
        folders.Add(version.ModelBlobs);
        trained.Add(RootOf(version.ModelBlobs));
        var (raw, clean, features, train, validation, test) = version.Lineage;
        foreach (var id in new[] { raw, clean, features, train, validation, test })
        {
            AddDataset(id);
        }
    }

    public void Add(Artifact artifact)
    {
        artifacts.Add(artifact.Blob);
        trained.Add(RootOf(artifact.Blob));
    }

    /// <summary>The dataset versions in the recorded result of a stage, whichever stage it is.</summary>
    public void AddResult(string json)
    {
        foreach (Match id in DatasetId.Matches(json))
        {
            datasets.Add(id.Value);
        }
    }

    /// <summary>What somebody has given a name stays.</summary>
    public void AddNamed(string dataset) => datasets.Add(dataset);

    /// <summary>What a kept version was made from is kept with it.</summary>
    /// <param name="parents">The parents of every version there is.</param>
    public void AddParents(IReadOnlyDictionary<string, IReadOnlyList<string>> parents)
    {
        var left = new Stack<string>(datasets);
        while (left.TryPop(out var id))
        {
            foreach (var parent in parents.GetValueOrDefault(id) ?? [])
            {
                if (datasets.Add(parent))
                {
                    left.Push(parent);
                }
            }
        }
    }

    private const string TrainedFolder = "models";
    private const string LiveDriftFolder = "live-drift";

    /// <summary>Where a trained model has everything: its record, its files and its explanation.</summary>
    private static string RootOf(string blob) => blob.Split('/') is [var first, var second, ..]
        ? $"{first}/{(second.EndsWith(".json", StringComparison.Ordinal) ? second[..^".json".Length] : second)}"
        : blob;

    private static string FolderOf(string name) => name[..Math.Max(0, name.LastIndexOf('/'))];

    private void AddDataset(string? id)
    {
        if (id is not null)
        {
            datasets.Add(id);
        }
    }

    [GeneratedRegex("(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")]
    private static partial Regex DatasetId { get; }
}
