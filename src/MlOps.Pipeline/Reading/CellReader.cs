using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Reading;

/// <summary>What a cell turned out to be.</summary>
internal enum CellState
{
    Value,
    /// <summary>Blank, or a text that means "no value" in its column.</summary>
    Missing,
    /// <summary>Neither a value of the column's type nor missing.</summary>
    Unreadable,
}

/// <summary>
/// The one reader of cells as text: of a file, of live rows and of a caller's texts alike. Immutable and safe to use from several threads.
/// </summary>
internal sealed class CellReader
{
    private readonly CellFormat format;
    private readonly byte[][] nulls;
    private readonly double[] nullNumbers;
    private readonly bool declaresNulls;

    /// <param name="type">How the column is stored.</param>
    /// <param name="format">What its cells mean; null: plain numbers, dates with the year first, the usual nulls.</param>
    public CellReader(StorageType type, CellFormat? format)
    {
        this.format = format ?? new CellFormat();
        nulls = NullTexts.Of(type, format);
        nullNumbers = NullTexts.NumbersOf(type, format);
        declaresNulls = format?.Nulls is not null;
    }

    /// <param name="cell">UTF-8, with or without blanks around.</param>
    /// <param name="value">The number; NaN when there is none.</param>
    public CellState ReadNumber(ReadOnlySpan<byte> cell, out double value)
    {
        cell = CellText.Trim(cell);
        if (!IsDeclaredNull(cell) && NumberText.TryRead(cell, format.Numbers, out value))
        {
            return CellState.Value;
        }
        value = double.NaN;
        return Absent(cell);
    }

    /// <param name="cell">UTF-8, with or without blanks around.</param>
    /// <param name="microseconds">Since 1970.</param>
    public CellState ReadTime(ReadOnlySpan<byte> cell, out long microseconds)
    {
        cell = CellText.Trim(cell);
        if (!IsDeclaredNull(cell) && TimeText.TryRead(cell, format.Dates, out microseconds))
        {
            return CellState.Value;
        }
        microseconds = 0;
        return !cell.IsEmpty && TimeText.IsZero(cell) ? CellState.Missing : Absent(cell);
    }

    /// <param name="cell">UTF-8, with or without blanks around.</param>
    /// <param name="value">The boolean.</param>
    public CellState ReadBoolean(ReadOnlySpan<byte> cell, out bool value)
    {
        cell = CellText.Trim(cell);
        if (!IsDeclaredNull(cell) && BooleanText.TryRead(cell, out value))
        {
            return CellState.Value;
        }
        value = false;
        return Absent(cell);
    }

    /// <param name="cell">UTF-8, with or without blanks around.</param>
    public CellState ReadText(ReadOnlySpan<byte> cell)
    {
        var text = CellText.Trim(cell);
        return text.IsEmpty || NullTexts.Contains(nulls, text) ? CellState.Missing : CellState.Value;
    }

    /// <summary>True for a number, sent as such, that is declared to mean "no value".</summary>
    public bool IsMissing(double number) => Array.IndexOf(nullNumbers, number) >= 0;

    /// <summary>Reads a cell as a column's type, for its state alone.</summary>
    public CellState Read(StorageType type, ReadOnlySpan<byte> cell) => type switch
    {
        StorageType.Double => ReadNumber(cell, out _),
        StorageType.Timestamp => ReadTime(cell, out _),
        StorageType.Boolean => ReadBoolean(cell, out _),
        _ => ReadText(cell),
    };

    private bool IsDeclaredNull(ReadOnlySpan<byte> cell) => declaresNulls && !cell.IsEmpty && NullTexts.Contains(nulls, cell);

    private CellState Absent(ReadOnlySpan<byte> cell) => cell.IsEmpty || NullTexts.Contains(nulls, cell) ? CellState.Missing : CellState.Unreadable;
}
