using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Versions;

/// <summary>
/// Rows of two tables that are told apart by some of their columns. Of two tables of a million rows only the keys whose rows are not the same on both sides
/// are kept; while they are sought a key takes some 40 bytes.
/// </summary>
internal sealed class KeyedRows
{
    private const string Added = "added";
    private const string Removed = "removed";
    private const string Changed = "changed";
    private const string Double = "double";

    private const int MostPasses = 4;

    private readonly DuckDbSession session;
    private readonly LocalTable before;
    private readonly LocalTable after;
    private readonly IReadOnlyList<string> key;
    private readonly IReadOnlyList<string> others;
    private readonly string keyCells;

    /// <param name="session">Has the temporary table.</param>
    /// <param name="before">The rows that are compared with.</param>
    /// <param name="after">The rows that are compared.</param>
    /// <param name="key">The columns that say which row is which.</param>
    /// <param name="names">All columns that are compared, those of the key included.</param>
    /// <param name="rowsAtOnce">Tables with more rows are read several times, each time for some of the keys: that takes less memory.</param>
    public KeyedRows(
        DuckDbSession session, LocalTable before, LocalTable after, IReadOnlyList<string> key, IReadOnlyList<string> names, int rowsAtOnce = 1_000_000)
    {
        (this.session, this.before, this.after, this.key) = (session, before, after, key);
        others = [.. names.Except(key, StringComparer.Ordinal)];
        keyCells = string.Join(", ", key.Select(Sql.Name));
        var rest = others.Count == 0 ? "0::UBIGINT" : $"hash({string.Join(", ", others.Select(Sql.Name))})";
        // The lowest bit of the other cells' hash says the side, so that of a key's rows their number and two hashes tell all.
        string Side(LocalTable table, int side) =>
            $"SELECT hash({keyCells}) AS h, hash('~', {keyCells}) AS g, (({rest} >> 1) << 1) | {side} AS r FROM {table.ToSql()}";
        session.Execute("CREATE OR REPLACE TEMP TABLE keyed (h UBIGINT, g UBIGINT, kind VARCHAR)");
        var passes = Math.Clamp((before.Manifest.Rows + after.Manifest.Rows) / rowsAtOnce, 1, MostPasses);
        for (var pass = 0; pass < passes; pass++)
        {
            session.Execute(
                $"INSERT INTO keyed SELECT h, g, CASE WHEN n = 1 THEN CASE WHEN least & 1 = 1 THEN '{Added}' ELSE '{Removed}' END "
                + $"WHEN n = 2 AND least & 1 <> most & 1 THEN '{Changed}' ELSE '{Double}' END "
                + $"FROM (SELECT h, g, count(*) AS n, min(r) AS least, max(r) AS most FROM ({Side(before, 0)} UNION ALL {Side(after, 1)}) "
                + $"WHERE h % {passes} = {pass} GROUP BY h, g) WHERE n <> 2 OR least >> 1 <> most >> 1 OR least = most");
        }
    }

    /// <summary>What to say where two rows of one table have the same key; null where none have.</summary>
    public string? FindDouble()
    {
        if (session.Rows($"SELECT h, g FROM keyed WHERE kind = '{Double}' ORDER BY h LIMIT 1") is not [var twice, ..])
        {
            return null;
        }
        foreach (var (table, which) in new[] { (before, "first"), (after, "second") })
        {
            var found = session.Rows(
                $"SELECT count(*), {keyCells} FROM {table.ToSql()} WHERE hash({keyCells}) = {twice[0]}::UBIGINT "
                + $"AND hash('~', {keyCells}) = {twice[1]}::UBIGINT GROUP BY ALL HAVING count(*) > 1");
            if (found is [var row, ..])
            {
                var words = string.Join(", ", key.Zip(row[1..], (name, cell) => $"{name} = {(cell is null ? "null" : $"'{cell}'")}"));
                return $"Rows cannot be told apart by {string.Join(", ", key)}: {row[0]} rows of the {which} version have {words}.";
            }
        }
        throw new InvalidOperationException($"Two keys of {string.Join(", ", key)} have the same 128 bits of hash, and are not the same.");
    }

    public RowDiff Compare(int examples)
    {
        var counts = session.Rows(
            $"SELECT count(*) FILTER (kind = '{Added}'), count(*) FILTER (kind = '{Removed}'), count(*) FILTER (kind = '{Changed}') FROM keyed")[0];
        var (added, removed, changed) = ((long)counts[0]!, (long)counts[1]!, (long)counts[2]!);
        var same = before.Manifest.Rows - removed - changed;
        IReadOnlyList<string> all = [.. key, .. others];
        return new RowDiff(key, added, removed, changed, same)
        {
            AddedRows = added == 0 ? [] : Examples(after, Added, all, examples),
            RemovedRows = removed == 0 ? [] : Examples(before, Removed, all, examples),
            ChangedCells = changed == 0 ? new Dictionary<string, long>() : ChangedCells(),
            ChangedRows = changed == 0 ? [] : ChangedRows(examples),
        };
    }

    private IReadOnlyList<IReadOnlyDictionary<string, object?>> Examples(LocalTable table, string kind, IReadOnlyList<string> names, int most) =>
        session.Rows(
            $"SELECT {string.Join(", ", names.Select(Sql.Name))} FROM {table.ToSql()} WHERE hash({keyCells}) IN (SELECT h FROM keyed WHERE kind = '{kind}') "
            + $"LIMIT {Sql.Number((long)most)}").Named(names);

    private Dictionary<string, long> ChangedCells()
    {
        var counted = others.Select(name => $"count(*) FILTER (a.{Sql.Name(name)} IS DISTINCT FROM b.{Sql.Name(name)})");
        var counts = session.Rows($"SELECT {string.Join(", ", counted)} FROM {Pairs()}")[0];
        return others.Zip(counts, (name, count) => (name, (long)count!)).Where(column => column.Item2 > 0).OrderByDescending(column => column.Item2)
            .ToDictionary(column => column.name, column => column.Item2, StringComparer.Ordinal);
    }

    private IReadOnlyList<ChangedRow> ChangedRows(int most)
    {
        var cells = key.Select(name => $"b.{Sql.Name(name)}").Concat(others.Select(name => $"a.{Sql.Name(name)}"))
            .Concat(others.Select(name => $"b.{Sql.Name(name)}"));
        return
        [
            .. session.Rows($"SELECT {string.Join(", ", cells)} FROM {Pairs()} LIMIT {Sql.Number((long)most)}").Select(row => new ChangedRow(
                row[..key.Count].Named(key),
                others.Select((name, i) => (name, From: row[key.Count + i], To: row[key.Count + others.Count + i])).Where(cell => !Equals(cell.From, cell.To))
                    .ToDictionary(cell => cell.name, cell => new ChangedCell(cell.From, cell.To), StringComparer.Ordinal))),
        ];
    }

    /// <summary>The changed rows of both tables, side by side.</summary>
    private string Pairs()
    {
        string ChangedOf(LocalTable table) => $"(SELECT *, hash({keyCells}) AS \"~h\" FROM {table.ToSql()} WHERE hash({keyCells}) IN "
            + $"(SELECT h FROM keyed WHERE kind = '{Changed}'))";
        var same = string.Join(" AND ", key.Select(name => $"a.{Sql.Name(name)} IS NOT DISTINCT FROM b.{Sql.Name(name)}"));
        return $"{ChangedOf(before)} AS a JOIN {ChangedOf(after)} AS b ON a.\"~h\" = b.\"~h\" AND {same}";
    }
}
