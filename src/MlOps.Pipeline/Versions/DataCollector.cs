using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Versions;

/// <summary>
/// Finds and deletes dataset versions that nothing reaches: no run, no model version, no tag, no definition, nothing restored, and no version that one of these
/// has was made from it. What is younger than a day is left, and so is what somebody has claimed since it was looked at (<see cref="DatasetClaims"/>): runs may
/// work, and names be given, while this does.
/// </summary>
public sealed class DataCollector(StorageDoctor doctor, DataLog log, DatasetStore datasets, TimeProvider time)
{
    private const string Datasets = "datasets/";

    /// <summary>What would be deleted.</summary>
    /// <exception cref="InputException">A record that may refer to data cannot be read.</exception>
    public async Task<DataGarbage> FindAsync(CancellationToken cancel)
    {
        var examination = await doctor.ExamineAsync(cancel);
        if (examination.Unreadable is [var first, ..])
        {
            throw new InputException(
                $"Nothing can be told to be garbage: {first.Where} cannot be read, and may need it. mlops doctor names all such records and what to do.");
        }
        return new DataGarbage(OfData(examination, FindingKind.Orphan), examination.Datasets)
        {
            Existing = examination.DatasetIds,
            StoredBytes = examination.DatasetBytes.Stored,
            SharedBytes = examination.DatasetBytes.Shared,
        };
    }

    public Task<DataGarbage> DeleteAsync(DataGarbage found, CancellationToken cancel) => DeleteAsync(found, Timeout.InfiniteTimeSpan, cancel);

    /// <summary>Deletes what was found, but for what has become somebody's since.</summary>
    /// <param name="found">What was found.</param>
    /// <param name="most">After this time no more is begun.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>What was deleted.</returns>
    public async Task<DataGarbage> DeleteAsync(DataGarbage found, TimeSpan most, CancellationToken cancel)
    {
        var (deleted, begun) = (new List<Finding>(), time.GetTimestamp());
        foreach (var finding in found.Findings.TakeWhile(_ => most == Timeout.InfiniteTimeSpan || time.GetElapsedTime(begun) < most))
        {
            if (finding.Repair is { } repair && await repair(cancel))
            {
                deleted.Add(finding);
            }
        }
        var gone = deleted.Select(finding => finding.Where[Datasets.Length..]).ToHashSet(StringComparer.Ordinal);
        await log.ForgetAsync(
            id => gone.Contains(id) || !found.Existing.Contains(id), async id => await datasets.FindAsync(id, cancel) is null, cancel);
        return new DataGarbage(deleted, found.Versions);
    }

    /// <summary>Reads every part again and names what is damaged, beside what else is wrong with dataset versions.</summary>
    /// <returns>What is broken, and how many versions were looked at.</returns>
    public async Task<(IReadOnlyList<Finding> Broken, int Versions)> VerifyAsync(CancellationToken cancel)
    {
        var examination = await doctor.ExamineAsync(rehash: true, cancel);
        return (OfData(examination, FindingKind.Broken), examination.Datasets);
    }

    private static IReadOnlyList<Finding> OfData(Examination examination, FindingKind kind) =>
        [.. examination.Findings.Where(finding => finding.Kind == kind && finding.Where.StartsWith(Datasets, StringComparison.Ordinal))];
}

/// <param name="Findings">A folder each.</param>
/// <param name="Versions">How many dataset versions there are in all.</param>
public sealed record DataGarbage(IReadOnlyList<Finding> Findings, int Versions)
{
    /// <summary>The versions that were there.</summary>
    internal IReadOnlySet<string> Existing { get; init; } = new HashSet<string>();

    /// <summary>Bytes of the parts of all versions, each stored once.</summary>
    public long StoredBytes { get; init; }

    /// <summary>Bytes of the parts that versions read which are views of others, summed over these: not stored again.</summary>
    public long SharedBytes { get; init; }

    /// <summary>What the findings take.</summary>
    public long Bytes => Findings.Sum(finding => finding.Bytes);
}
