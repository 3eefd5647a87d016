using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Versions;

/// <summary>
/// Rows of two tables that are told apart by all their cells. Of two tables of a million rows only those are kept that are not as often on both sides; while
/// they are sought a row takes some 30 bytes.
/// </summary>
internal sealed class WholeRows
{
    private readonly DuckDbSession session;
    private readonly LocalTable before;
    private readonly LocalTable after;
    private readonly string cells;
    private readonly IReadOnlyList<string> names;

    /// <param name="session">Has the temporary table.</param>
    /// <param name="before">The rows that are compared with.</param>
    /// <param name="after">The rows that are compared.</param>
    /// <param name="names">The columns that are compared.</param>
    public WholeRows(DuckDbSession session, LocalTable before, LocalTable after, IReadOnlyList<string> names)
    {
        (this.session, this.before, this.after, this.names) = (session, before, after, names);
        cells = string.Join(", ", names.Select(Sql.Name));
        session.Execute(
            $"CREATE TEMP TABLE whole AS SELECT h, sum(side)::BIGINT AS more FROM (SELECT hash({cells}) AS h, hash('~', {cells}) AS g, -1 AS side "
            + $"FROM {before.ToSql()} UNION ALL SELECT hash({cells}), hash('~', {cells}), 1 FROM {after.ToSql()}) GROUP BY h, g HAVING sum(side) <> 0");
    }

    public RowDiff Compare(int examples)
    {
        var counts = session.Rows(
            "SELECT coalesce(sum(more) FILTER (more > 0), 0)::BIGINT, coalesce(-sum(more) FILTER (more < 0), 0)::BIGINT FROM whole")[0];
        var (added, removed) = ((long)counts[0]!, (long)counts[1]!);
        var same = before.Manifest.Rows - removed;
        return new RowDiff([], added, removed, 0, same)
        {
            AddedRows = added == 0 ? [] : Examples(after, "more > 0", examples),
            RemovedRows = removed == 0 ? [] : Examples(before, "more < 0", examples),
        };
    }

    private IReadOnlyList<IReadOnlyDictionary<string, object?>> Examples(LocalTable table, string of, int most) =>
        session.Rows(
            $"SELECT {cells} FROM {table.ToSql()} WHERE hash({cells}) IN (SELECT h FROM whole WHERE {of}) LIMIT {Sql.Number((long)most)}").Named(names);
}
