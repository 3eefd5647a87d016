using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Features;

/// <summary>Categories of a column that are too rare for a slot of their own: the model takes all of them for one and the same.</summary>
/// <param name="Column">The column.</param>
/// <param name="Most">Slots that it may have.</param>
/// <param name="Count">How many categories share one.</param>
/// <param name="Rows">Training rows with one of them.</param>
/// <param name="Frequent">The most frequent one.</param>
internal sealed record FoldedCategories(string Column, int Most, long Count, long Rows, string Frequent)
{
    /// <summary>Those of each column that has some.</summary>
    /// <param name="session">The session.</param>
    /// <param name="train">The rows that models are fitted on.</param>
    /// <param name="most">Slots that a column may have.</param>
    public static IReadOnlyList<FoldedCategories> Find(DuckDbSession session, LocalTable train, int most) =>
    [
        .. FeaturePlan.Of(train.Manifest).Inputs.Where(input => input.Kind == ColumnKind.Categorical).Select(input => Find(session, train, input.Name, most))
            .OfType<FoldedCategories>(),
    ];

    private static FoldedCategories? Find(DuckDbSession session, LocalTable train, string column, int most)
    {
        var found = session.Rows($"SELECT count(*), coalesce(sum(n), 0)::BIGINT, min_by(value, place) FROM {FoldedSql(train, column, most)}")[0];
        return found is [long and > 0 and var count, long rows, string frequent] ? new FoldedCategories(column, most, count, rows, frequent) : null;
    }

    /// <summary>In the order in which the slots are given away: by rows, equal counts by the value.</summary>
    private static string FoldedSql(LocalTable train, string column, int most)
    {
        var name = Sql.Name(column);
        return $"(SELECT value, n, place FROM (SELECT value, n, row_number() OVER (ORDER BY n DESC, value) AS place "
            + $"FROM (SELECT {name}::VARCHAR AS value, count(*) AS n FROM {train.ToSql()} WHERE {name} IS NOT NULL GROUP BY 1)) "
            + $"WHERE place > {Sql.Number(most)})";
    }

    /// <summary>The sentence.</summary>
    /// <param name="session">The session.</param>
    /// <param name="train">The training rows.</param>
    /// <param name="raw">The raw table that they come from, of one part, with the lines of its rows; null: no lines are known.</param>
    public Warning Tell(DuckDbSession session, LocalTable train, LocalTable? raw)
    {
        var first = raw is null ? null : FirstInFile.Find(
            session, raw, Column, $"{Sql.Name(Column)}::VARCHAR IN (SELECT value FROM {FoldedSql(train, Column, Most)})");
        var (example, all) = (Warning.Shorten(first?.Cell ?? Frequent), train.Manifest.Rows);
        return new Warning(WarningCodes.CategoriesFolded, string.Create(
            CultureInfo.InvariantCulture,
            $"Column '{Column}': {Count:N0} of its {Count + Most:N0} categories, such as '{example}'"
                + $"{(first is { } at ? $" (the first in the file, line {at.Line})" : "")}, "
                + $"{(Count == 1 ? "has no slot of its own" : "are one to the model")}, as the {Most:N0} most frequent have a slot each: "
                + $"{Rows:N0} of {all:N0} training rows ({100.0 * Rows / all:0.##} %). "
                + $"Raise features.maxCategories to tell them apart."))
        {
            Column = Column,
            Count = Rows,
            Line = first?.Line,
            Example = example,
            Headline = Rows > all * Warning.Many,
        };
    }
}
