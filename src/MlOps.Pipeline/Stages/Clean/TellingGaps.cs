using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Clean;

/// <summary>
/// Columns that have a value for one class, or one target, only. Once their gaps are filled nobody sees that any more who looks at the values: the one that
/// fills them may be frequent among the others (see <see cref="TargetLeaks"/>).
/// </summary>
internal static class TellingGaps
{
    /// <param name="session">The session.</param>
    /// <param name="rows">The rows before their gaps are filled.</param>
    /// <param name="columns">Columns whose gaps will be.</param>
    /// <returns>Those whose gaps tell the target all but by themselves.</returns>
    public static IReadOnlyList<string> Of(DuckDbSession session, LocalTable rows, IReadOnlyList<string> columns)
    {
        var target = TargetColumn.Of(rows.Manifest);
        var name = Sql.Name(target.Name);
        var told = target.Task == TaskKind.Regression ? Groups(session, rows, columns, name) : Classes(session, rows, columns, name);
        return [.. columns.Where((_, i) => told[i] >= TargetLeaks.AllBut)];
    }

    private static double[] Classes(DuckDbSession session, LocalTable rows, IReadOnlyList<string> columns, string target)
    {
        var classes = session.Rows($"SELECT count(*){Each(columns, column => $"count({column})")} FROM {rows.ToSql()} GROUP BY {target}")
            .Select(row => row.Select(Convert.ToDouble).ToArray()).ToList();
        var all = classes.Sum(one => one[0]);
        return [.. columns.Select((_, i) =>
        {
            var filled = classes.Sum(one => one[i + 1]);
            // Of several classes a gap may tell one from all the others.
            return Math.Min(filled, all - filled) < TargetLeaks.FewestOfClass ? 0 : classes.Max(one =>
            {
                var (with, without) = (one[i + 1], one[0] - one[i + 1]);
                var missed = Math.Min(with, filled - with) + Math.Min(without, all - filled - without);
                var few = Math.Min(one[0], all - one[0]);
                return few < TargetLeaks.FewestOfClass ? 0 : 1 - (missed / few);
            });
        })];
    }

    /// <summary>Squares about the mean: sums of large targets' own squares would lose what is looked for.</summary>
    private static double[] Groups(DuckDbSession session, LocalTable rows, IReadOnlyList<string> columns, string target)
    {
        var mean = Sql.Number((double)session.Scalar($"SELECT avg({target}) FROM {rows.ToSql()}")!);
        var y = $"({target} - {mean})";
        var sums = Each(columns, column => $"count({column}), coalesce(sum({y}) FILTER ({column} IS NOT NULL), 0)");
        var row = session.Rows($"SELECT count(*), sum({y}), sum({y} * {y}){sums} FROM {rows.ToSql()}").Single().Select(Convert.ToDouble).ToArray();
        var (all, sum, squares) = (row[0], row[1], row[2]);
        var spread = squares - (sum * sum / all);
        return [.. columns.Select((_, i) =>
        {
            var (filled, theirs) = (row[3 + (2 * i)], row[4 + (2 * i)]);
            var (gaps, others) = (all - filled, sum - theirs);
            return Math.Min(filled, gaps) < TargetLeaks.FewestOfClass || spread <= 0
                ? 0
                : ((theirs * theirs / filled) + (others * others / gaps) - (sum * sum / all)) / spread;
        })];
    }

    private static string Each(IReadOnlyList<string> columns, Func<string, string> sql) =>
        string.Concat(columns.Select(column => ", " + sql(Sql.Name(column))));
}
