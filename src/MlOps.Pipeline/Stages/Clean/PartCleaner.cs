using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Clean;

/// <summary>Drops the rows of one part that training cannot use. Equal rows stand in the same part, so that a part is cleaned by itself.</summary>
internal sealed class PartCleaner(DatasetStore datasets, DuckDb duckDb, DatasetManifest raw, CleanRules clean)
{
    private const string Duplicate = "duplicate";

    private readonly RowRules rules = new(clean.Plan, clean.Definition, raw.Notes[DatasetNotes.Unparseable]!.GetValue<bool>());

    /// <summary>Cleans a part and stores what is left of it as a part of another version.</summary>
    /// <param name="part">Which part of the raw table.</param>
    /// <param name="source">Its file on this machine.</param>
    /// <param name="dataset">The version that the cleaned part belongs to.</param>
    /// <param name="cancel">Stops the work.</param>
    public async Task<CleanedPart> CleanAsync(int part, string source, string dataset, CancellationToken cancel)
    {
        var folder = datasets.NewDraftFolder();
        try
        {
            var dropped = new Dictionary<string, long>(StringComparer.Ordinal);
            var (cleaned, toPart) = await Task.Run(() => Clean(part, source, Path.Combine(folder, "cleaned.parquet"), dropped, cancel), cancel);
            return toPart(await datasets.StoreAsync(dataset, cleaned, cancel));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The cleaned part on this machine, and what is known of it once it is stored.</summary>
    private (LocalPart Cleaned, Func<DatasetPart, CleanedPart> ToPart) Clean(
        int part, string source, string path, Dictionary<string, long> dropped, CancellationToken cancel)
    {
        using var session = duckDb.Open(raw.Columns.Count, cancel);
        var sourceSql = $"read_parquet({Sql.File(source)}, file_row_number = true)";
        var cells = string.Join(", ", raw.Columns.Select(column => Sql.Name(column.Name)));
        var key = string.Join(", ", clean.SplitKey.Select(Sql.Name));
        using var first = FirstRows.Find(
            session,
            new FirstRows.Query(sourceSql, (int)raw.Parts[part].Rows, cells, key)
            {
                KeepEqual = clean.KeepsEqual,
                ReasonSql = rules.ReasonSql,
                Reasons = rules.Reasons.Count,
            },
            duckDb.Threads);
        var examples = new List<(string Reason, IReadOnlyList<long> Rows)>();
        foreach (var (i, rows) in first.RowsByReason.Index().Where(counted => counted.Item > 0))
        {
            dropped[rules.Reasons[i]] = rows;
            examples.Add((rules.Reasons[i], first.FirstOf(i)));
        }
        var equal = 0L;
        if (first.Duplicates > 0)
        {
            equal = first.Duplicates;
            if (!clean.KeepsEqual)
            {
                dropped[Duplicate] = first.Duplicates;
                examples.Add((Duplicate, first.FirstDuplicates()));
            }
        }
        var query = $"SELECT {cells}, {first.HashSql("file_row_number")} AS {RowHash.ColumnName} FROM {sourceSql}";
        var cleaned = new LocalPart(path, session.Copy($"SELECT * FROM ({query}) WHERE {RowHash.ColumnName} IS NOT NULL", path));
        var values = TargetColumn.Values(session, $"read_parquet({Sql.File(path)})", clean.Plan.Target, clean.Definition);
        var loss = first.RowsByReason.Sum() > 0
            ? TargetLoss.Measure(session, sourceSql, rules.ReasonSql, clean.Plan.Target, values.Count > 0 ? values[0] : null, row => RowLines.Of(raw, row))
            : TargetLoss.None;
        var ordered = examples.OrderByDescending(example => dropped[example.Reason]).ThenBy(example => example.Reason, StringComparer.Ordinal).ToList();
        var most = DroppedRows.Kept(ordered, example => example.Rows is [var row, ..] ? row : long.MaxValue).ToList();
        var read = DroppedExamples.Read(session, sourceSql, raw.Columns, most).Zip(
            most, (example, from) => example with { Line = from.Rows is [var row, ..] ? RowLines.Of(raw, row) : null }).ToList();
        var unused = UnusedCells.Read(session, sourceSql, clean.Plan, row => RowLines.Of(raw, row));
        var equalLine = first.FirstEqual is { } earliest ? RowLines.Of(raw, earliest) : null;
        return (cleaned, stored => new CleanedPart(stored, dropped, values, equal, loss, read) { EqualLine = equalLine, Unused = unused });
    }
}
