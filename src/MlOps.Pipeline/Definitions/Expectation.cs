using System.Globalization;

namespace MlOps.Pipeline.Definitions;

/// <summary>One thing that is expected of a table.</summary>
/// <param name="Name">Its name on runs and cards, such as <c>fresh.day</c>.</param>
/// <param name="Rule">What is expected, in words.</param>
/// <param name="Gate">What follows where it does not hold.</param>
public sealed record Expectation(string Name, string Rule, Consequence Gate)
{
    public const string Rows = "rows";
    public const string SameColumns = "sameColumns";

    public static string Fresh(string column) => $"fresh.{column}";

    public static string Unique(UniqueRule rule) => $"unique.{string.Join('+', rule.Columns)}";

    public static string Range(string column) => $"ranges.{column}";

    /// <summary>All that rules expect, in order.</summary>
    public static IReadOnlyList<Expectation> Of(ExpectRules rules) =>
    [
        .. rules.Rows is { } rows
            ? [new Expectation(Rows, $"{Between(rows.Min, rows.Max)} times the rows of the earlier table", rows.Gate ?? Consequence.Warn)]
            : Array.Empty<Expectation>(),
        .. rules.SameColumns is { } gate ? [new Expectation(SameColumns, "the columns of the earlier table", gate)] : Array.Empty<Expectation>(),
        .. Sorted(rules.Fresh).Select(rule => new Expectation(
            Fresh(rule.Key), $"the newest {rule.Key} lies at most {rule.Value.Within:c} before the run", rule.Value.Gate ?? Consequence.Warn)),
        .. rules.Unique.Select(rule => new Expectation(
            Unique(rule), $"no two rows have the same {string.Join(" and ", rule.Columns)}", rule.Gate ?? Consequence.Warn)),
        .. Sorted(rules.Ranges).Select(rule => new Expectation(
            Range(rule.Key), $"{rule.Key} is {Between(rule.Value.Min, rule.Value.Max)}", rule.Value.Gate ?? Consequence.Warn)),
    ];

    /// <summary>A range in words.</summary>
    public static string Between(double? min, double? max) => (min, max) switch
    {
        ({ } least, { } most) => string.Create(CultureInfo.InvariantCulture, $"{least:G6} to {most:G6}"),
        ({ } least, null) => string.Create(CultureInfo.InvariantCulture, $"at least {least:G6}"),
        (_, { } most) => string.Create(CultureInfo.InvariantCulture, $"at most {most:G6}"),
        _ => "any",
    };

    private static IEnumerable<KeyValuePair<string, T>> Sorted<T>(IReadOnlyDictionary<string, T> rules) =>
        rules.OrderBy(rule => rule.Key, StringComparer.Ordinal);
}
