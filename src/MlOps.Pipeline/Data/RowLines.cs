using System.Text.Json.Nodes;

namespace MlOps.Pipeline.Data;

/// <summary>
/// On which line of the file the rows of a raw version start. Nearly all rows follow the one before by a line, so only those are kept that do not: after blank
/// lines, rows that were left out, and cells of several lines.
/// </summary>
internal sealed class RowLines
{
    /// <summary>So many rows may not follow by a line; of a file with more the lines are not known.</summary>
    private const int Most = 1000;

    private readonly List<(long Row, long Line)> leaps = [];
    private long rows;
    private long lastLine;
    private bool isKnown = true;

    /// <summary>Notes the line of the next row.</summary>
    public void Add(long line)
    {
        if (rows == 0 || line != lastLine + 1)
        {
            Leap(rows, line);
        }
        lastLine = line;
        rows++;
    }

    /// <summary>Adds the rows that follow.</summary>
    /// <param name="next">Their lines.</param>
    /// <param name="lines">Lines of the text before them, which <paramref name="next"/> counts from 1.</param>
    public void Add(RowLines next, long lines)
    {
        foreach (var (row, line) in next.leaps.Where(leap => leap.Row > 0 || rows == 0 || leap.Line + lines != lastLine + 1))
        {
            Leap(rows + row, line + lines);
        }
        isKnown &= next.isKnown;
        lastLine = next.rows > 0 ? next.lastLine + lines : lastLine;
        rows += next.rows;
    }

    private void Leap(long row, long line)
    {
        isKnown &= leaps.Count < Most;
        if (isKnown)
        {
            leaps.Add((row, line));
        }
    }

    /// <summary>For the version's notes: row and line of each leap, one after the other; null where they are not known.</summary>
    public JsonArray? ToJson() => isKnown ? [.. leaps.SelectMany(leap => new[] { leap.Row, leap.Line }).Select(number => (JsonNode?)number)] : null;

    /// <summary>Whether the lines of a raw version's rows are known.</summary>
    public static bool AreKnown(DatasetManifest raw) => Of(raw, 0) is not null;

    /// <summary>The line of a row, both from the file's start: rows from 0, lines from 1; null where it is not known.</summary>
    /// <param name="raw">A raw version.</param>
    /// <param name="row">The row.</param>
    public static long? Of(DatasetManifest raw, long row)
    {
        // Rows go to several parts by their hash: a part does not tell the file's order.
        if (raw.Parts.Count != 1 || raw.Notes[DatasetNotes.Lines]?.AsArray() is not { } leaps)
        {
            return null;
        }
        long? line = null;
        for (var i = 0; i + 1 < leaps.Count && leaps[i]!.GetValue<long>() is var start && start <= row; i += 2)
        {
            line = leaps[i + 1]!.GetValue<long>() + row - start;
        }
        return line;
    }
}
