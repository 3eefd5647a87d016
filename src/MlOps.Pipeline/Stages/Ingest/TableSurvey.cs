using System.Text;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>What all cells of a text's columns look like, and what was left out on the way.</summary>
/// <param name="columns">The columns, nothing counted yet.</param>
internal sealed class TableSurvey(ColumnSurvey[] columns)
{
    private const int LongestExample = 60;

    private readonly List<RaggedRow> firstRagged = [];

    private long lines;

    public IReadOnlyList<ColumnSurvey> Columns => columns;

    /// <summary>Rows that have as many cells as there are columns.</summary>
    public long Rows { get; private set; }

    /// <summary>Rows that have not.</summary>
    public long Ragged { get; private set; }

    /// <summary>The first of those, at most <see cref="DroppedRows.MostRows"/>.</summary>
    public IReadOnlyList<RaggedRow> FirstRagged => firstRagged;

    /// <summary>The line of each row that has as many cells as there are columns.</summary>
    public RowLines RowLines { get; } = new();

    /// <summary>Bytes of the longest row.</summary>
    public long LongestRecord { get; private set; }

    /// <summary>True where anything was met that readers of RFC 4180 may read in another way.</summary>
    public bool IsOdd { get; private set; }

    /// <summary>Reads the rest of a text, or of a part of it.</summary>
    public void Read(CsvRecords records)
    {
        var repeated = Array.ConvertAll(columns, column => new RepeatedCells(column, columns.Length));
        while (records.Read())
        {
            if (records.State == RecordState.Ragged)
            {
                Ragged++;
                if (firstRagged.Count < DroppedRows.MostRows)
                {
                    firstRagged.Add(new RaggedRow(records.Line, records.Count, Shown(records), Cells(records)));
                }
                continue;
            }
            Rows++;
            RowLines.Add(records.Line);
            LongestRecord = Math.Max(LongestRecord, records.Length);
            for (var i = 0; i < columns.Length; i++)
            {
                repeated[i].Add(records[i], records.Line);
            }
        }
        Array.ForEach(repeated, column => column.Settle());
        lines = records.Lines;
        IsOdd = records.IsOdd;
    }

    /// <summary>Adds what was found in the part of the text that follows.</summary>
    public void Add(TableSurvey next)
    {
        for (var i = 0; i < columns.Length; i++)
        {
            columns[i].Add(next.Columns[i], lines);
        }
        Rows += next.Rows;
        RowLines.Add(next.RowLines, lines);
        Ragged += next.Ragged;
        firstRagged.AddRange(next.FirstRagged.Take(DroppedRows.MostRows - firstRagged.Count).Select(row => row with { Line = row.Line + lines }));
        LongestRecord = Math.Max(LongestRecord, next.LongestRecord);
        IsOdd |= next.IsOdd;
        lines += next.lines;
    }

    private static IReadOnlyList<string?> Cells(CsvRecords records) =>
        [.. Enumerable.Range(0, Math.Min(records.Count, DroppedRows.MostColumns)).Select(i => DroppedRows.Cut(Encoding.UTF8.GetString(records[i])))];

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
/// <param name="Shown">Its cells, as they are kept as an example.</param>
internal sealed record RaggedRow(long Line, int Cells, string Text, IReadOnlyList<string?> Shown);
