using System.Text;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>The marks that stand beside a column's numbers, such as currencies or units: each with its cells, where they are few.</summary>
internal sealed class SurveyedMarks
{
    /// <summary>Cells with one mark more are not counted: letters behind numbers are codes then, not units.</summary>
    private const int Most = 2;

    private readonly List<SurveyedMark> found = [];

    /// <summary>In the order in which they first stand there.</summary>
    public IReadOnlyList<SurveyedMark> Found => found;

    /// <param name="mark">The mark in UTF-8; null or empty: there is none.</param>
    /// <param name="cell">The cell that it stands in.</param>
    /// <param name="line">Its line.</param>
    /// <param name="times">How often it is there.</param>
    public void Add(ReadOnlySpan<byte> mark, ReadOnlySpan<byte> cell, long line, long times)
    {
        if (mark.IsEmpty)
        {
            return;
        }
        foreach (var known in found)
        {
            if (mark.SequenceEqual(known.Utf8))
            {
                known.Cells += times;
                return;
            }
        }
        if (found.Count < Most)
        {
            found.Add(new SurveyedMark(mark.ToArray(), SurveyedCell.Of(cell, line)) { Cells = times });
        }
    }

    /// <summary>Adds those of the rows that follow.</summary>
    public void Add(SurveyedMarks next, long lines)
    {
        foreach (var mark in next.found)
        {
            if (found.Find(known => known.Utf8.AsSpan().SequenceEqual(mark.Utf8)) is { } known)
            {
                known.Cells += mark.Cells;
            }
            else if (found.Count < Most)
            {
                found.Add(new SurveyedMark(mark.Utf8, mark.First.After(lines)) { Cells = mark.Cells });
            }
        }
    }
}

/// <param name="utf8">The mark.</param>
/// <param name="first">The first cell that has it.</param>
internal sealed class SurveyedMark(byte[] utf8, SurveyedCell first)
{
    public byte[] Utf8 => utf8;

    public SurveyedCell First => first;

    /// <summary>How many have it.</summary>
    public long Cells { get; set; }

    public string Text { get; } = Encoding.UTF8.GetString(utf8);
}
