using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Features;

/// <summary>Categories that are too rare for a slot of their own: the model takes all of a column's for one and the same.</summary>
internal static class FoldedCategories
{
    /// <summary>Whether there may be some: all slots of a column are taken.</summary>
    /// <param name="featurizer">The fitted categories.</param>
    /// <param name="most">Slots that a column may have.</param>
    public static bool MayBe(Featurizer featurizer, int most) => featurizer.CategoryInputs.Any(input => input.Categories!.Count >= most);

    /// <summary>A sentence for each column that has some.</summary>
    /// <param name="session">The session.</param>
    /// <param name="train">The rows that the categories were fitted on.</param>
    /// <param name="raw">The raw table that they come from, of one part, with the lines of its rows; null: no lines are known.</param>
    /// <param name="featurizer">The fitted categories.</param>
    /// <param name="most">Slots that a column may have.</param>
    public static IReadOnlyList<Warning> Find(DuckDbSession session, LocalTable train, LocalTable? raw, Featurizer featurizer, int most) =>
    [
        .. featurizer.CategoryInputs.Where(input => input.Categories!.Count >= most)
            .Select(input => Find(session, train, raw, input.Name, most)).OfType<Warning>(),
    ];

    private static Warning? Find(DuckDbSession session, LocalTable train, LocalTable? raw, string column, int most)
    {
        var name = Sql.Name(column);
        // In the order in which the slots were given away: by rows, equal counts by the value.
        var folded = $"(SELECT value, n, place FROM (SELECT value, n, row_number() OVER (ORDER BY n DESC, value) AS place "
            + $"FROM (SELECT {name}::VARCHAR AS value, count(*) AS n FROM {train.ToSql()} WHERE {name} IS NOT NULL GROUP BY 1)) "
            + $"WHERE place > {Sql.Number(most)})";
        var found = session.Rows($"SELECT count(*), coalesce(sum(n), 0)::BIGINT, min_by(value, place) FROM {folded}")[0];
        var (categories, rows) = ((long)found[0]!, (long)found[1]!);
        if (categories == 0)
        {
            return null;
        }
        var first = raw is null ? null : First(session, raw, name, folded);
        var (example, all) = (Warning.Shorten(first?.Category ?? (string)found[2]!), train.Manifest.Rows);
        return new Warning(WarningCodes.CategoriesFolded, string.Create(
            CultureInfo.InvariantCulture,
            $"Column '{column}': {categories:N0} of its {categories + most:N0} categories, such as '{example}'"
                + $"{(first is { } at ? $" (the first in the file, line {at.Line})" : "")}, are one to the model, as the {most:N0} most frequent have a slot "
                + $"each: {rows:N0} of {all:N0} training rows ({100.0 * rows / all:0.##} %). Raise features.maxCategories to tell them apart."))
        {
            Column = column,
            Count = rows,
            Line = first?.Line,
            Example = example,
            Headline = rows > all * Warning.Many,
        };
    }

    /// <summary>
    /// The first row of the file with one of the categories, whichever side of the split it fell on: training rows do not keep their place in the file.
    /// </summary>
    private static (string Category, long Line)? First(DuckDbSession session, LocalTable raw, string name, string folded) => session.Rows(
        $"SELECT {name}::VARCHAR, file_row_number FROM read_parquet({Sql.Files(raw.Paths)}, file_row_number = true) "
            + $"WHERE {name}::VARCHAR IN (SELECT value FROM {folded}) ORDER BY file_row_number LIMIT 1") is [[string category, long row]]
        && RowLines.Of(raw.Manifest, row) is { } line
            ? (category, line)
            : null;
}
