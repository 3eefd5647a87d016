using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Features;

/// <summary>Categories of a column that people take for one and the same: <c>Berlin</c> and <c>berlin</c>.</summary>
/// <param name="Column">The column.</param>
/// <param name="Groups">How many categories have more than one spelling.</param>
/// <param name="Rows">Training rows with another one than the most frequent of a group.</param>
/// <param name="Spellings">The most frequent spellings of the group with the most such rows.</param>
internal sealed record AlikeCategories(string Column, long Groups, long Rows, IReadOnlyList<string> Spellings)
{
    private const int MostShown = 3;

    /// <summary>Those of each column that has some.</summary>
    /// <param name="session">The session.</param>
    /// <param name="train">The rows that models are fitted on.</param>
    public static IReadOnlyList<AlikeCategories> Find(DuckDbSession session, LocalTable train) =>
    [
        .. FeaturePlan.Of(train.Manifest).Inputs.Where(input => input.Kind == ColumnKind.Categorical).Select(input => Find(session, train, input.Name))
            .OfType<AlikeCategories>(),
    ];

    private static AlikeCategories? Find(DuckDbSession session, LocalTable train, string column)
    {
        var found = session.Rows($"SELECT count(*), sum(rarer)::BIGINT, arg_max(texts, rarer) FROM {GroupsSql(train, column)}")[0];
        return found is [long and > 0 and var groups, long rows, IEnumerable<string> texts]
            ? new AlikeCategories(column, groups, rows, [.. texts.Take(MostShown)])
            : null;
    }

    /// <summary>Letter case, kinds and numbers of blanks, and how accents are composed (Unicode's NFC) do not count.</summary>
    private static string GroupsSql(LocalTable train, string column) =>
        "(SELECT list(value ORDER BY n DESC, value) AS texts, sum(n) - max(n) AS rarer "
            + $"FROM (SELECT {Sql.Name(column)}::VARCHAR AS value, count(*) AS n FROM {train.ToSql()} WHERE {Sql.Name(column)} IS NOT NULL GROUP BY 1) "
            + @"GROUP BY lower(nfc_normalize(trim(regexp_replace(value, '[\s\x{A0}]+', ' ', 'g')))) HAVING count(*) > 1)";

    /// <summary>The sentence.</summary>
    /// <param name="session">The session.</param>
    /// <param name="train">The training rows.</param>
    /// <param name="raw">The raw table that they come from, of one part, with the lines of its rows; null: no lines are known.</param>
    public Warning Tell(DuckDbSession session, LocalTable train, LocalTable? raw)
    {
        var first = raw is null ? null : FirstInFile.Find(
            session, raw, Column, $"{Sql.Name(Column)}::VARCHAR IN (SELECT unnest(texts[2:]) FROM {GroupsSql(train, Column)})");
        var example = Warning.Shorten(first?.Cell ?? Spellings[1]);
        return new Warning(
            WarningCodes.CategoriesAlike,
            $"Column '{Column}': {Warning.Counted(Groups, "category is", "categories are")} spelt in more than one way, by letter case, blanks or accents, "
                + $"such as {string.Join(" and ", Spellings.Select(text => $"'{Warning.Shorten(text)}'"))}: "
                + $"{Warning.Share(Rows, train.Manifest.Rows, "training rows", "has", "have")} a rarer spelling"
                + $"{(first is null ? "" : $" (the first in the file, line {first.Line}: '{example}')")}. "
                + "Each spelling is a category of its own to the model: write them one way.")
        {
            Column = Column,
            Count = Rows,
            Line = first?.Line,
            Example = example,
            Headline = Rows > train.Manifest.Rows * Warning.Many,
        };
    }
}
