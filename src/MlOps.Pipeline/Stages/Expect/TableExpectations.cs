using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Expect;

/// <summary>
/// What is expected of a table by itself. A column that is not there, or holds something else, is not as expected either: no run ends by it.
/// </summary>
/// <param name="session">Reads the table.</param>
/// <param name="table">The table.</param>
/// <param name="now">The time that values are to be fresh at.</param>
internal sealed class TableExpectations(DuckDbSession session, LocalTable table, DateTimeOffset now)
{
    private readonly Dictionary<string, DatasetColumn> columns = table.Manifest.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);

    /// <summary>What each expectation came to, by name: see <see cref="ExpectOutcomes"/>.</summary>
    public IReadOnlyDictionary<string, string> Outcomes(ExpectRules rules)
    {
        var outcomes = new Dictionary<string, string>();
        foreach (var (column, rule) in rules.Fresh)
        {
            outcomes[Expectation.Fresh(column)] = Misfit(column, StorageType.Timestamp, "times: declare it as datetime, with its format") ?? Age(column, rule);
        }
        foreach (var rule in rules.Unique)
        {
            outcomes[Expectation.Unique(rule)] = rule.Columns.Select(column => Misfit(column)).FirstOrDefault(problem => problem is not null) ?? Repeated(rule);
        }
        foreach (var (column, rule) in rules.Ranges)
        {
            outcomes[Expectation.Range(column)] = Misfit(column, StorageType.Double, "numbers: declare it as numeric") ?? Outside(column, rule);
        }
        return outcomes;
    }

    private string? Misfit(string name, StorageType? type = null, string? wanted = null)
    {
        if (!columns.TryGetValue(name, out var column))
        {
            return $"there is no column '{name}'{NearestName.Ending(name, columns.Keys)}";
        }
        return type is null || column.Type == type ? null : $"column '{name}' is {DefinitionNames.Kinds.NameOf(column.Kind)} and holds no {wanted}";
    }

    private string Age(string column, FreshnessRule rule)
    {
        if (session.Scalar($"SELECT max({Sql.Name(column)}) FROM {table.ToSql()}") is not DateTime newest)
        {
            return $"column '{column}' has no value";
        }
        var age = now.UtcDateTime - newest;
        return age <= rule.Within
            ? ExpectOutcomes.Holds
            : string.Create(
                CultureInfo.InvariantCulture,
                $"the newest {column} is {newest:yyyy-MM-dd HH:mm:ss}, {WholeSeconds(age):c} before the run (expected: at most {rule.Within:c})");
    }

    private string Repeated(UniqueRule rule)
    {
        var names = string.Join(", ", rule.Columns.Select(Sql.Name));
        var given = string.Join(" AND ", rule.Columns.Select(column => $"{Sql.Name(column)} IS NOT NULL"));
        var counts = session.Rows(
            $"SELECT count(*), CAST(sum(n) AS BIGINT) FROM (SELECT count(*) AS n FROM {table.ToSql()} WHERE {given} GROUP BY {names} HAVING count(*) > 1)")[0];
        var values = Convert.ToInt64(counts[0], CultureInfo.InvariantCulture);
        return values == 0
            ? ExpectOutcomes.Holds
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{string.Join(" and ", rule.Columns)} {(rule.Columns.Count == 1 ? "is" : "are")} the same in several rows: {counts[1]:N0} rows share "
                    + $"{values:N0} {(values == 1 ? "value" : "values")}");
    }

    private string Outside(string column, RangeRule rule)
    {
        var name = Sql.Name(column);
        List<string> wrong =
        [
            .. rule.Min is { } min ? [$"{name} < {Sql.Number(min)}"] : Array.Empty<string>(),
            .. rule.Max is { } max ? [$"{name} > {Sql.Number(max)}"] : Array.Empty<string>(),
        ];
        var found = session.Rows($"SELECT count(*) FILTER ({string.Join(" OR ", wrong)}), min({name}), max({name}) FROM {table.ToSql()}")[0];
        var outside = Convert.ToInt64(found[0], CultureInfo.InvariantCulture);
        return outside == 0
            ? ExpectOutcomes.Holds
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{column} is {found[1]:G6} to {found[2]:G6}: {Warning.Share(outside, table.Manifest.Rows, "rows", "is", "are")} outside what is expected "
                    + $"({Expectation.Between(rule.Min, rule.Max)})");
    }

    private static TimeSpan WholeSeconds(TimeSpan time) => TimeSpan.FromSeconds(Math.Floor(time.TotalSeconds));
}
