using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Versions;

/// <summary>Rows of two tables that are told apart by some of their columns.</summary>
internal sealed class KeyedRows
{
    private readonly DuckDbSession session;
    private readonly string before;
    private readonly string after;
    private readonly IReadOnlyList<string> key;
    private readonly IReadOnlyList<string> others;
    private readonly string keyCells;

    /// <param name="session">Has the temporary table.</param>
    /// <param name="before">The rows that are compared with.</param>
    /// <param name="after">The rows that are compared.</param>
    /// <param name="key">The columns that say which row is which.</param>
    /// <param name="names">All columns that are compared, those of the key included.</param>
    public KeyedRows(DuckDbSession session, string before, string after, IReadOnlyList<string> key, IReadOnlyList<string> names)
    {
        (this.session, this.before, this.after, this.key) = (session, before, after, key);
        others = [.. names.Except(key, StringComparer.Ordinal)];
        keyCells = string.Join(", ", key.Select(Sql.Name));
        var rest = others.Count == 0 ? "0::UBIGINT" : $"hash({string.Join(", ", others.Select(Sql.Name))})";
        string Side(string table, string isAfter) =>
            $"SELECT hash({keyCells}) AS h, hash('~', {keyCells}) AS g, {rest} AS r, {isAfter} AS is_after FROM {table}";
        session.Execute(
            $"CREATE OR REPLACE TEMP TABLE keyed AS SELECT h, g, count(*) FILTER (NOT is_after) AS a, count(*) FILTER (is_after) AS b, "
            + $"max(r) FILTER (NOT is_after) AS ra, max(r) FILTER (is_after) AS rb FROM ({Side(before, "false")} UNION ALL {Side(after, "true")}) "
            + "GROUP BY h, g");
    }

    /// <summary>What to say where two rows of one table have the same key; null where none have.</summary>
    public string? FindDouble()
    {
        var found = session.Rows("SELECT h, greatest(a, b), a > 1 FROM keyed WHERE a > 1 OR b > 1 ORDER BY h LIMIT 1");
        if (found is not [var twice, ..])
        {
            return null;
        }
        var row = session.Rows($"SELECT {keyCells} FROM {((bool)twice[2]! ? before : after)} WHERE hash({keyCells}) = {twice[0]}::UBIGINT LIMIT 1")[0];
        var words = string.Join(", ", key.Zip(row, (name, cell) => $"{name} = {(cell is null ? "null" : $"'{cell}'")}"));
        return $"Rows cannot be told apart by {string.Join(", ", key)}: {twice[1]} rows of the {((bool)twice[2]! ? "first" : "second")} version have {words}.";
    }

    public RowDiff Compare(int examples)
    {
        var counts = session.Rows(
            "SELECT count(*) FILTER (a = 0), count(*) FILTER (b = 0), count(*) FILTER (a > 0 AND b > 0 AND ra <> rb), "
            + "count(*) FILTER (a > 0 AND b > 0 AND ra = rb) FROM keyed")[0];
        var (added, removed, changed, same) = ((long)counts[0]!, (long)counts[1]!, (long)counts[2]!, (long)counts[3]!);
        IReadOnlyList<string> all = [.. key, .. others];
        return new RowDiff(key, added, removed, changed, same)
        {
            AddedRows = added == 0 ? [] : Examples(after, "a = 0", all, examples),
            RemovedRows = removed == 0 ? [] : Examples(before, "b = 0", all, examples),
            ChangedCells = changed == 0 ? new Dictionary<string, long>() : ChangedCells(),
            ChangedRows = changed == 0 ? [] : ChangedRows(examples),
        };
    }

    private IReadOnlyList<IReadOnlyDictionary<string, object?>> Examples(string table, string of, IReadOnlyList<string> names, int most) =>
        session.Rows(
            $"SELECT {string.Join(", ", names.Select(Sql.Name))} FROM {table} WHERE hash({keyCells}) IN (SELECT h FROM keyed WHERE {of}) "
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
        string Changed(string table) => $"(SELECT *, hash({keyCells}) AS \"~h\" FROM {table} WHERE hash({keyCells}) IN "
            + "(SELECT h FROM keyed WHERE a > 0 AND b > 0 AND ra <> rb))";
        var same = string.Join(" AND ", key.Select(name => $"a.{Sql.Name(name)} IS NOT DISTINCT FROM b.{Sql.Name(name)}"));
        return $"{Changed(before)} AS a JOIN {Changed(after)} AS b ON a.\"~h\" = b.\"~h\" AND {same}";
    }
}
