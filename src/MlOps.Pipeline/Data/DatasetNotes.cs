namespace MlOps.Pipeline.Data;

/// <summary>Names of the notes that stages leave on a dataset version for later ones.</summary>
public static class DatasetNotes
{
    /// <summary>Raw: rows left out for having another number of cells than the header.</summary>
    public const string Ragged = "ragged";

    /// <summary>Raw: whether the parts have a column that names, row by row, the first column whose cell could not be read.</summary>
    public const string Unparseable = "unparseable";

    /// <summary>Clean: dropped rows by reason.</summary>
    public const string Dropped = "dropped";

    /// <summary>Clean and after: the value that fills nulls, by column.</summary>
    public const string Imputed = "imputed";
}
