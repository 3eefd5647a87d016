namespace MlOps.Pipeline.Doctor;

/// <summary>
/// Records that are there and cannot be read. What they refer to is unknown: while there are any, nothing can be told to be nobody's, and nothing is deleted.
/// </summary>
internal sealed class UnreadableRecords
{
    private readonly OrderedDictionary<string, Exception> records = new(StringComparer.Ordinal);

    public bool Any => records.Count > 0;

    public IEnumerable<Finding> Findings => records.Select(record => new Finding(
        FindingKind.Broken, record.Key,
        $"It cannot be read: {record.Value.Message} Restore a backup, where it is not of a later release. "
            + "Until then nothing is deleted that it may refer to."));

    /// <param name="where">What it is, such as <c>runs/{id}</c>. Told once.</param>
    /// <param name="why">The fault of reading it.</param>
    public void Add(string where, Exception why) => records.TryAdd(where, why);

    public bool Has(string where) => records.ContainsKey(where);
}
