namespace MlOps.Pipeline.Data;

/// <summary>Names of the notes that stages leave on a dataset version for later ones.</summary>
public static class DatasetNotes
{
    /// <summary>Raw: rows left out for having another number of cells than the header.</summary>
    public const string Ragged = "ragged";

    /// <summary>Raw: on which line of the file each row starts (<see cref="RowLines"/>); left out where that is not known.</summary>
    public const string Lines = "lines";

    /// <summary>Raw: whether the parts have a column that names, row by row, the first column whose cell could not be read.</summary>
    public const string Unparseable = "unparseable";

    /// <summary>Raw: what the user should know of how the file was read.</summary>
    public const string Warnings = "warnings";

    /// <summary>Raw: those of the warnings that the file does not show how a column is written.</summary>
    public const string Doubts = "doubts";

    /// <summary>Raw: columns whose cells show how they are written, where the definition only assumed it.</summary>
    public const string Shown = "shown";

    /// <summary>Raw: of columns that are not written the plain way, a cell that shows it (<see cref="ColumnExample"/>).</summary>
    public const string Examples = "examples";

    /// <summary>Raw: whether rows can be told apart (<see cref="RowIdentity"/>).</summary>
    public const string Identity = "identity";

    /// <summary>Raw, made of predictions: the hours in which they were made, <c>yyyy/MM/dd/HH</c>.</summary>
    public const string Hours = "hours";

    /// <summary>Clean and after: the columns whose values decide the side of the split that a row falls on.</summary>
    public const string SplitKey = "splitKey";

    /// <summary>Clean: dropped rows by reason.</summary>
    public const string Dropped = "dropped";

    /// <summary>Raw and clean: the version beside which examples of dropped rows are kept (<see cref="Data.DroppedRows"/>).</summary>
    public const string DroppedRows = "droppedRows";

    /// <summary>Clean: the target in the rows that stay and in those that do not.</summary>
    public const string Loss = "targetLoss";

    /// <summary>Clean: rows that equal an earlier one and were kept.</summary>
    public const string Kept = "keptEqual";

    /// <summary>Clean: line of the file on which the first of them starts.</summary>
    public const string KeptLine = "keptEqualLine";

    /// <summary>Train: the training rows that it is a sample of.</summary>
    public const string SampledFrom = "sampledFrom";

    /// <summary>Clean: what stands in the columns that are not used (<see cref="Features.UnusedCells"/>).</summary>
    public const string Unused = "unused";

    /// <summary>Score: rows of which nothing is predicted.</summary>
    public const string Problems = "problems";

    /// <summary>Score: the first of them, where the table has one part.</summary>
    public const string FirstProblem = "firstProblem";

    /// <summary>Clean and after: the value that fills nulls, by column.</summary>
    public const string Imputed = "imputed";

    /// <summary>Clean and after: columns whose gaps, before they were filled, told the target.</summary>
    public const string TellingGaps = "tellingGaps";
}
