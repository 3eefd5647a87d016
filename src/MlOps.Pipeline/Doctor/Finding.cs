namespace MlOps.Pipeline.Doctor;

/// <summary>How bad a finding is.</summary>
public enum FindingKind
{
    /// <summary>Something that must hold does not.</summary>
    Broken,
    /// <summary>Nothing refers to it: it only takes room, or works for nothing.</summary>
    Orphan,
    /// <summary>Nobody is at it: nothing is lost, and the next host takes it up.</summary>
    Stopped,
}

/// <summary>What an examination of storage found.</summary>
/// <param name="Kind">How bad it is.</param>
/// <param name="Where">What it is about, such as <c>models/trips</c> or <c>datasets/{id}</c>.</param>
/// <param name="Problem">What is wrong, and what to do where it cannot be mended here.</param>
public sealed record Finding(FindingKind Kind, string Where, string Problem)
{
    /// <summary>What it takes, for orphans in blobs.</summary>
    public long Bytes { get; init; }

    /// <summary>What a repair does; null: it cannot be mended without guessing, or not from here.</summary>
    public string? Remedy { get; init; }

    /// <summary>False when it was left after all: somebody works who may need it by now.</summary>
    internal Func<CancellationToken, Task<bool>>? Repair { get; init; }
}

/// <summary>An examination of storage.</summary>
/// <param name="Findings">What is not as it must be, what nothing refers to, and what nobody is at.</param>
/// <param name="Models">Models looked at.</param>
/// <param name="Versions">Versions looked at, all models together.</param>
/// <param name="Datasets">Dataset versions looked at.</param>
/// <param name="Runs">Runs looked at.</param>
public sealed record Examination(IReadOnlyList<Finding> Findings, int Models, int Versions, int Datasets, int Runs)
{
    /// <summary>The dataset versions that were there.</summary>
    internal IReadOnlySet<string> DatasetIds { get; init; } = new HashSet<string>();

    /// <summary>What dataset versions take, and what views would take again if they were copies.</summary>
    internal (long Stored, long Shared) DatasetBytes { get; init; }

    /// <summary>Records that are there and cannot be read: of the findings, those that keep anything from being told to be nobody's.</summary>
    internal IReadOnlyList<Finding> Unreadable { get; init; } = [];

    public bool IsSound => Findings.All(finding => finding.Kind != FindingKind.Broken);

    /// <summary>Mends what can be mended without guessing, and returns what it did.</summary>
    public async Task<IReadOnlyList<Finding>> RepairAsync(CancellationToken cancel)
    {
        var mended = new List<Finding>();
        foreach (var finding in Findings)
        {
            if (finding.Repair is { } repair && await repair(cancel))
            {
                mended.Add(finding);
            }
        }
        return mended;
    }
}
