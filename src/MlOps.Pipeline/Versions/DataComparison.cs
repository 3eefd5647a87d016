using MlOps.Drift;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Profiling;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Versions;

/// <summary>Compares two dataset versions: columns, rows, values.</summary>
public sealed class DataComparison(DatasetStore datasets, DefinitionStore definitions, DuckDb duckDb, TableProfiler profiler)
{
    /// <param name="from">The version that is compared with.</param>
    /// <param name="to">The version that is compared.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException">A column of the key is missing, or two rows of a version have the same key.</exception>
    public async Task<DataDiff> CompareAsync(DataEntry from, DataEntry to, DataDiffRequest request, CancellationToken cancel)
    {
        var (before, after) = (await OpenAsync(from, cancel), await OpenAsync(to, cancel));
        var columns = Compare(before.Manifest, after.Manifest);
        var shared = Shared(before.Manifest, after.Manifest);
        var declared = await DeclaredIdsAsync(from.Model, cancel);
        var rows = Task.Run(() => CompareRows(before, after, shared, request, declared, cancel), cancel);
        var statistics = request.Statistics ? StatisticsAsync((from, before), (to, after), shared, cancel) : Task.FromResult<IReadOnlyList<ColumnDrift>?>(null);
        await Task.WhenAll(rows, statistics);
        return new DataDiff(from, to, columns, await rows, await statistics);
    }

    /// <summary>Their columns alone: no row is read.</summary>
    public async Task<ColumnDiff> CompareColumnsAsync(DataEntry from, DataEntry to, CancellationToken cancel) =>
        Compare(await datasets.GetAsync(from.Id, cancel), await datasets.GetAsync(to.Id, cancel));

    private async Task<LocalTable> OpenAsync(DataEntry version, CancellationToken cancel) =>
        await datasets.OpenAsync(await datasets.GetAsync(version.Id, cancel), cancel);

    private static ColumnDiff Compare(DatasetManifest before, DatasetManifest after)
    {
        var (then, now) = (ByName(before), ByName(after));
        return new ColumnDiff(
            [.. after.Columns.Where(column => !then.ContainsKey(column.Name))], [.. before.Columns.Where(column => !now.ContainsKey(column.Name))],
            [
                .. after.Columns.Where(column => then.TryGetValue(column.Name, out var earlier) && earlier.Type != column.Type)
                    .Select(column => new ChangedColumn(column.Name, then[column.Name].Type, column.Type)),
            ]);
    }

    private static IReadOnlyList<DatasetColumn> Shared(DatasetManifest before, DatasetManifest after)
    {
        var then = ByName(before);
        return [.. after.Columns.Where(column => then.TryGetValue(column.Name, out var earlier) && earlier.Type == column.Type)];
    }

    private static Dictionary<string, DatasetColumn> ByName(DatasetManifest version) =>
        version.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);

    /// <summary>By the definition as it is now. What was only found to look like ids is no key: it may change while the row is the same.</summary>
    private async Task<IReadOnlySet<string>> DeclaredIdsAsync(string model, CancellationToken cancel)
    {
        var columns = (await definitions.FindAsync(model, cancel))?.Columns ?? new Dictionary<string, ColumnRule>();
        return columns.Where(column => column.Value.Kind == ColumnKind.IdLike).Select(column => column.Key).ToHashSet(StringComparer.Ordinal);
    }

    private RowDiff CompareRows(
        LocalTable before, LocalTable after, IReadOnlyList<DatasetColumn> shared, DataDiffRequest request, IReadOnlySet<string> declared,
        CancellationToken cancel)
    {
        if (shared.Count == 0)
        {
            return new RowDiff([], after.Manifest.Rows, before.Manifest.Rows, 0, 0) { Note = "The versions have no column in common: no row is the same." };
        }
        using var session = duckDb.Open(Math.Max(before.Manifest.Columns.Count, after.Manifest.Columns.Count), cancel);
        var names = shared.Select(column => column.Name).ToList();
        if (request.Key is { Count: > 0 } given)
        {
            if (given.FirstOrDefault(column => !names.Contains(column, StringComparer.Ordinal)) is { } missing)
            {
                throw new InputException($"The key has the column '{missing}', which not both versions have, or not as the same type.");
            }
            var keyed = new KeyedRows(session, before, after, given, names);
            return keyed.FindDouble() is { } twice ? throw new InputException(twice) : keyed.Compare(request.Examples);
        }
        var ids = names.Where(declared.Contains).ToList();
        var note = default(string);
        if (ids.Count > 0 && ids.Count < names.Count)
        {
            var keyed = new KeyedRows(session, before, after, ids, names);
            note = keyed.FindDouble();
            if (note is null)
            {
                return keyed.Compare(request.Examples);
            }
        }
        return new WholeRows(session, before, after, names).Compare(request.Examples) with { Note = note };
    }

    private async Task<IReadOnlyList<ColumnDrift>?> StatisticsAsync(
        (DataEntry Version, LocalTable Table) before, (DataEntry Version, LocalTable Table) after, IReadOnlyList<DatasetColumn> shared,
        CancellationToken cancel)
    {
        var columns = shared.Select(Profiled).ToList();
        var then = await profiler.ProfileAsync(before.Table, columns, _ => Task.CompletedTask, cancel);
        var now = await profiler.ProfileAsync(after.Table, columns, _ => Task.CompletedTask, cancel);
        const double Never = 2;
        var compared = TableComparison.Compare(
            "diff", (Side(before.Version), then), (Side(after.Version), now), new Dictionary<string, DriftRule>(), Never);
        return [.. compared.Scores.Select(score => score with { Distribution = null })];
    }

    private static ProfiledColumn Profiled(DatasetColumn column) => column.Type == StorageType.Double
        ? new ProfiledColumn(column.Name, IsNumeric: true, Sql.Name(column.Name))
        : new ProfiledColumn(column.Name, IsNumeric: false, $"{Sql.Name(column.Name)}::VARCHAR");

    private static DriftSide Side(DataEntry version) => new($"{version.Stage} rows of {version.Created:yyyy-MM-dd}", version.Id, version.Rows);
}
