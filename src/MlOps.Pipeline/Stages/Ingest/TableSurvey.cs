using System.Text;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>What all cells of a text's columns look like, and what was left out on the way.</summary>
/// <param name="columns">The columns, nothing counted yet.</param>
internal sealed class TableSurvey(IReadOnlyList<ColumnSurvey> columns)
{
    private const int LongestExample = 60;

    private long lines;

    public IReadOnlyList<ColumnSurvey> Columns => columns;

    /// <summary>Rows that have as many cells as there are columns.</summary>
    public long Rows { get; private set; }

    /// <summary>Rows that have not.</summary>
    public long Ragged { get; private set; }

    /// <summary>The first of those; null: there is none.</summary>
    public RaggedRow? FirstRagged { get; private set; }

    /// <summary>Bytes of the longest row.</summary>
    public long LongestRecord { get; private set; }

    /// <summary>True where anything was met that readers of RFC 4180 may read in another way.</summary>
    public bool IsOdd { get; private set; }

    /// <summary>Reads the rest of a text, or of a part of it.</summary>
    public void Read(CsvRecords records)
    {
        while (records.Read())
        {
            if (records.State == RecordState.Ragged)
            {
                Ragged++;
                FirstRagged ??= new RaggedRow(records.Line, records.Count, Shown(records));
                continue;
            }
            Rows++;
            LongestRecord = Math.Max(LongestRecord, records.Length);
            for (var i = 0; i < columns.Count; i++)
            {
                columns[i].Add(records[i], records.Line);
            }
        }
        lines = records.Lines;
        IsOdd = records.IsOdd;
    }

    /// <summary>Adds what was found in the part of the text that follows.</summary>
    public void Add(TableSurvey next)
    {
        for (var i = 0; i < columns.Count; i++)
        {
            columns[i].Add(next.Columns[i], lines);
        }
        Rows += next.Rows;
        Ragged += next.Ragged;
        FirstRagged ??= next.FirstRagged is { } first ? first with { Line = first.Line + lines } : null;
        LongestRecord = Math.Max(LongestRecord, next.LongestRecord);
        IsOdd |= next.IsOdd;
        lines += next.lines;
    }

    private static string Shown(CsvRecords records)
    {
        var text = new StringBuilder();
        for (var i = 0; i < records.Count && text.Length <= LongestExample; i++)
        {
            text.Append(i > 0 ? "," : "").Append(Encoding.UTF8.GetString(records[i]));
        }
        return SurveyedCell.Shorten(text.ToString());
    }
}

/// <summary>A row with another number of cells than the header.</summary>
/// <param name="Line">Where it is, from 1.</param>
/// <param name="Cells">How many it has.</param>
/// <param name="Text">How it starts.</param>
internal sealed record RaggedRow(long Line, int Cells, string Text);
