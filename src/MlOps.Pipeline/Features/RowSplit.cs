using System.Globalization;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Features;

/// <summary>The sides of a split.</summary>
/// <param name="Train">Rows that models are fitted on.</param>
/// <param name="Validation">Rows that choose among them.</param>
/// <param name="Test">Rows that choose nothing; null: there are none.</param>
internal sealed record RowSplit(RowSelection Train, RowSelection Validation, RowSelection? Test)
{
    /// <summary>With this many rows of a class, chance alone divides it well enough.</summary>
    private const long ManyRows = 2000;

    /// <summary>Applies the declared rules to a table; a time-ordered split looks for its cut there, one by chance divides each class by itself.</summary>
    public static RowSplit Of(SplitRules rules, DuckDbSession session, LocalTable table)
    {
        var from = table.ToSql();
        var train = new RowSelection(SplitSide.Train, rules.Validation, rules.Seed, rules.Group, rules.Time)
        {
            Test = rules.Test,
            Cut = rules.Time is { } time ? CutOf(session, from, RowSelection.TimeSql(time), rules.Validation + (rules.Test ?? 0)) : null,
            TestCut = rules is { Time: { } ordered, Test: { } share } ? CutOf(session, from, RowSelection.TimeSql(ordered), share) : null,
            Strata = rules is { Time: null, Group: null } ? StrataOf(rules, session, table) : null,
        };
        return new RowSplit(
            train, train with { Side = SplitSide.Validation }, rules.Test is null ? null : train with { Side = SplitSide.Test });
    }

    /// <summary>The same sides with a share of the training rows, which the others know of to be read beside them.</summary>
    public RowSplit WithSample(double share) =>
        new(Train with { Sample = share }, Validation with { Sample = share }, Test is null ? null : Test with { Sample = share });

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

    /// <summary>Where each small class of a target is cut, so that it has its share on both sides.</summary>
    private static IReadOnlyList<Stratum>? StrataOf(SplitRules rules, DuckDbSession session, LocalTable table)
    {
        var target = TargetColumn.Of(table.Manifest);
        if (target.Task == TaskKind.Regression)
        {
            return null;
        }
        var sides = rules.Test is null ? 2 : 3;
        var label = TargetColumn.TextSql(table.Manifest.Columns.Single(column => column.Name == target.Name));
        var unit = RowSelection.UnitSql(group: null, rules.Seed);
        var strata = new List<Stratum>();
        foreach (var row in session.Rows($"SELECT {label}, count(*) FROM {table.ToSql()} GROUP BY 1 ORDER BY 1"))
        {
            var (value, rows) = ((string)row[0]!, Long(row[1]));
            if (rows > ManyRows || (rows < sides && target.Task == TaskKind.Binary))
            {
                continue;
            }
            if (rows < sides)
            {
                // One of many classes that is too small for all sides is learnt, and not measured.
                strata.Add(new Stratum($"{label} = {Sql.Text(value)}", 0));
                continue;
            }
            // At least one row for each side.
            var held = Math.Clamp((long)Math.Round(rows * rules.Validation), 1, rows - (sides - 1));
            var tested = rules.Test is { } share ? Math.Clamp((long)Math.Round(rows * share), 1, rows - held - 1) : 0;
            strata.Add(new Stratum(
                $"{label} = {Sql.Text(value)}", PlaceOf(value, held), tested > 0 ? PlaceOf(value, held + tested) : 0));
        }
        return strata.Count > 0 ? strata : null;

        double PlaceOf(string value, long rank) => (double)session.Scalar(
            $"SELECT unit FROM (SELECT {unit} AS unit FROM {table.ToSql()} WHERE {label} = {Sql.Text(value)}) ORDER BY unit LIMIT 1 OFFSET "
                + rank.ToString(CultureInfo.InvariantCulture))!;
    }

    private static long Long(object? value) => Convert.ToInt64(value, CultureInfo.InvariantCulture);
}
