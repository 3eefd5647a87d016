namespace MlOps.Drift.Profiles;

/// <summary>How much the profile of a table keeps.</summary>
public static class ProfileSize
{
    /// <summary>Entries of all columns together: about 64 MB while they are built, 32 MB stored.</summary>
    private const int MostEntries = 2_000_000;

    private const int FewestEntriesOfColumn = 2048;
    private const int MostEntriesOfColumn = 1 << 16;

    /// <summary>Most entries that the profile of one of so many columns keeps.</summary>
    public static int EntriesOfColumn(int columns) => Math.Clamp(MostEntries / columns, FewestEntriesOfColumn, MostEntriesOfColumn);
}
