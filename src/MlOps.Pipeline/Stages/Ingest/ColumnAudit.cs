using MlOps.Pipeline.Data;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>The cells of a column that are no values, with the first of each sort.</summary>
internal sealed class ColumnAudit(CellReader reader, StorageType type)
{
    public long Values { get; private set; }

    /// <summary>Cells with a text that means "no value".</summary>
    public Found Missing { get; private set; } = Found.None;

    public Found Unreadable { get; private set; } = Found.None;

    public void Add(ReadOnlySpan<byte> cell, long line)
    {
        switch (reader.Read(type, cell))
        {
            case CellState.Value:
                Values++;
                break;
            case CellState.Missing when !CellText.Trim(cell).IsEmpty:
                Missing = Missing.And(cell, line);
                break;
            case CellState.Unreadable:
                Unreadable = Unreadable.And(cell, line);
                break;
            default:
                break;
        }
    }

    /// <summary>Adds what was found in the rows that follow.</summary>
    /// <param name="next">An audit of the same column.</param>
    /// <param name="lines">Lines of the text before those rows.</param>
    public void Add(ColumnAudit next, long lines)
    {
        Values += next.Values;
        Missing = Missing.And(next.Missing, lines);
        Unreadable = Unreadable.And(next.Unreadable, lines);
    }

    /// <param name="Count">How many.</param>
    /// <param name="Line">Line of the first one.</param>
    /// <param name="Example">The first one, shortened.</param>
    public sealed record Found(long Count, long Line, string Example)
    {
        public static Found None { get; } = new(0, 0, "");

        public Found And(ReadOnlySpan<byte> cell, long line) =>
            Count == 0 ? new Found(1, line, SurveyedCell.Of(cell, line).Text) : this with { Count = Count + 1 };

        public Found And(Found next, long lines) => (Count, next.Count) switch
        {
            (_, 0) => this,
            (0, _) => next with { Line = next.Line + lines },
            _ => this with { Count = Count + next.Count },
        };
    }
}
