using System.Globalization;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Features;

/// <summary>Both sides of a split.</summary>
internal sealed record RowSplit(RowSelection Train, RowSelection Validation)
{
    /// <summary>With this many rows of a class, chance alone divides it well enough.</summary>
    private const long ManyRows = 2000;

    /// <summary>Applies the declared rules to a table; a time-ordered split looks for its cut there, one by chance divides each class by itself.</summary>
    public static RowSplit Of(SplitRules rules, DuckDbSession session, LocalTable table)
    {
        var from = table.ToSql();
        var train = new RowSelection(SplitSide.Train, rules.Validation, rules.Seed, rules.Group, rules.Time)
        {
            Cut = rules.Time is { } time ? CutOf(session, from, RowSelection.TimeSql(time), rules.Validation) : null,
            Strata = rules is { Time: null, Group: null } ? StrataOf(rules, session, table) : null,
        };
        return new RowSplit(train, train with { Side = SplitSide.Validation });
    }

    /// <summary>Between two times, so that about the declared share is later: rows of one time fall on one side.</summary>
    private static double? CutOf(DuckDbSession session, string from, string time, double share)
    {
        if (session.Scalar($"SELECT quantile_disc({time}, {Sql.Number(1 - share)}) FROM {from}") is not double cut)
        {
            return null;
        }
        var row = session.Rows(
            $"SELECT count(t), count(t) FILTER (t > {Sql.Number(cut)}), count(t) FILTER (t >= {Sql.Number(cut)}), max(t) FILTER (t < {Sql.Number(cut)}) "
                + $"FROM (SELECT {time} AS t FROM {from})")[0];
        var (rows, later, notEarlier) = (Long(row[0]), Long(row[1]), Long(row[2]));
        if (row[3] is not double earlier)
        {
            return cut;
        }
        var off = Math.Abs(((double)later / rows) - share);
        return later > 0 && off <= Math.Abs(((double)notEarlier / rows) - share) ? cut : earlier;
    }

    /// <summary>Where each small class of a binary target is cut, so that it has its share on both sides.</summary>
    private static IReadOnlyList<Stratum>? StrataOf(SplitRules rules, DuckDbSession session, LocalTable table)
    {
        var target = TargetColumn.Of(table.Manifest);
        if (target.Positive is null)
        {
            return null;
        }
        var label = TargetColumn.TextSql(table.Manifest.Columns.Single(column => column.Name == target.Name));
        var unit = RowSelection.UnitSql(group: null, rules.Seed);
        var strata = new List<Stratum>();
        foreach (var row in session.Rows($"SELECT {label}, count(*) FROM {table.ToSql()} GROUP BY 1 ORDER BY 1"))
        {
            var (value, rows) = ((string)row[0]!, Long(row[1]));
            if (rows is < 2 or > ManyRows)
            {
                continue;
            }
            var held = Math.Clamp((long)Math.Round(rows * rules.Validation), 1, rows - 1);
            var cut = session.Scalar(
                $"SELECT unit FROM (SELECT {unit} AS unit FROM {table.ToSql()} WHERE {label} = {Sql.Text(value)}) ORDER BY unit LIMIT 1 OFFSET "
                    + held.ToString(CultureInfo.InvariantCulture));
            strata.Add(new Stratum($"{label} = {Sql.Text(value)}", (double)cut!));
        }
        return strata.Count > 0 ? strata : null;
    }

    private static long Long(object? value) => Convert.ToInt64(value, CultureInfo.InvariantCulture);
}
