namespace MlOps.Local.Storage;

/// <summary>How embedded storage keeps what it has acknowledged: options of the journal, <c>azurite/journal.cjs</c>.</summary>
public sealed record JournalOptions
{
    /// <summary>An answer waits until the disk has what it tells; else the disk has it some 50 ms later.</summary>
    public bool Durable { get; init; }

    /// <summary>
    /// How long the journal gets before the databases are saved and it begins anew. The next start after a kill reads it in a part of a second.
    /// </summary>
    public int SegmentBytes { get; init; } = 16 << 20;
}
