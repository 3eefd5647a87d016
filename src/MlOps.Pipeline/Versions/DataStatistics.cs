using System.Globalization;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Versions;

/// <summary>
/// What the columns of a dataset version hold, to be looked at: of a table of more rows than <see cref="MostRows"/>, of a sample of that many.
/// </summary>
public sealed class DataStatistics(DatasetStore datasets, DuckDb duckDb)
{
    /// <summary>A sample of so many rows tells a share to 0.3 of a hundredth (95 %, normal approximation).</summary>
    public const int MostRows = 100_000;

    private const int Bins = 20;
    private const int MostValues = 8;

    /// <summary>Reads the version's parts onto this machine, where they stay for a while.</summary>
    /// <param name="manifest">The version.</param>
    /// <param name="columns">Which of its columns; at least one.</param>
    /// <param name="cancel">Stops the reading.</param>
    public async Task<TableStatistics> ReadAsync(DatasetManifest manifest, IReadOnlyList<DatasetColumn> columns, CancellationToken cancel)
    {
        var table = await datasets.OpenAsync(manifest, cancel);
        return await Task.Run(() => Read(table, manifest, columns, cancel), cancel);
    }

    private TableStatistics Read(LocalTable table, DatasetManifest manifest, IReadOnlyList<DatasetColumn> columns, CancellationToken cancel)
    {
        using var session = duckDb.Open(manifest.Columns.Count, cancel);
        var names = string.Join(", ", columns.Select(column => Sql.Name(column.Name)));
        var sample = manifest.Rows > MostRows ? $" USING SAMPLE reservoir({Sql.Number((long)MostRows)} ROWS) REPEATABLE (42)" : "";
        session.Execute($"CREATE TEMP TABLE looked_at AS SELECT {names} FROM {table.ToSql()}{sample}");
        return new TableStatistics(session.Count("SELECT count(*) FROM looked_at"), [.. columns.Select(column => Of(session, column))]);
    }

    private static ColumnStatistics Of(DuckDbSession session, DatasetColumn column)
    {
        var name = Sql.Name(column.Name);
        var row = session.Rows($"SELECT count({name}), count(*) - count({name}), approx_count_distinct({name}) FROM looked_at")[0];
        var found = new ColumnStatistics(column.Name, Whole(row[0]), Whole(row[1]), Whole(row[2]));
        return column.Type == StorageType.Double ? OfNumbers(session, name, found) : OfValues(session, name, found);
    }

    private static ColumnStatistics OfNumbers(DuckDbSession session, string name, ColumnStatistics found)
    {
        var row = session.Rows(
            $"SELECT min({name}), max({name}), avg({name}), stddev_samp({name}), quantile_cont({name}, 0.5) FROM looked_at WHERE isfinite({name})")[0];
        if (row[0] is not double min || row[1] is not double max)
        {
            return found;
        }
        var bins = new long[Bins];
        var width = (max - min) / Bins;
        if (width > 0 && double.IsFinite(width))
        {
            var (low, step) = (Sql.Number(min), Sql.Number(width));
            foreach (var bin in session.Rows(
                $"SELECT least(floor(({name} - {low}) / {step}), {Sql.Number(Bins - 1L)})::BIGINT AS bin, count(*) FROM looked_at "
                    + $"WHERE isfinite({name}) GROUP BY bin"))
            {
                bins[Math.Clamp(Whole(bin[0]), 0, Bins - 1)] = Whole(bin[1]);
            }
        }
        else
        {
            bins[0] = found.Values;
        }
        return found with
        {
            Min = min,
            Max = max,
            Mean = row[2] as double?,
            Deviation = row[3] as double?,
            Median = row[4] as double?,
            Histogram = bins,
        };
    }

    private static ColumnStatistics OfValues(DuckDbSession session, string name, ColumnStatistics found) => found with
    {
        Top =
        [
            .. session.Rows(
                $"SELECT left(CAST({name} AS VARCHAR), 60) AS cell, count(*) AS n FROM looked_at WHERE {name} IS NOT NULL GROUP BY cell ORDER BY n DESC, cell "
                + $"LIMIT {Sql.Number((long)MostValues)}").Select(row => new ValueCount((string)row[0]!, Whole(row[1]))),
        ],
    };

    private static long Whole(object? value) => Convert.ToInt64(value, CultureInfo.InvariantCulture);
}

/// <param name="Rows">The rows that were looked at.</param>
/// <param name="Columns">Those that were asked for, in that order.</param>
public sealed record TableStatistics(long Rows, IReadOnlyList<ColumnStatistics> Columns);

/// <summary>What a column holds. The moments and the histogram are of numbers, without infinities; the most frequent values of all else.</summary>
/// <param name="Name">The column.</param>
/// <param name="Values">Cells that have a value.</param>
/// <param name="Missing">Cells that have none.</param>
/// <param name="Distinct">Different values, estimated to some hundredths (HyperLogLog).</param>
public sealed record ColumnStatistics(string Name, long Values, long Missing, long Distinct)
{
    public double? Min { get; init; }
    public double? Max { get; init; }
    public double? Mean { get; init; }
    /// <summary>Standard deviation of a sample.</summary>
    public double? Deviation { get; init; }
    public double? Median { get; init; }
    /// <summary>Cells in each of 20 bins of the same width, from the least value to the greatest.</summary>
    public IReadOnlyList<long>? Histogram { get; init; }
    /// <summary>The most frequent values, shortened, the most frequent first.</summary>
    public IReadOnlyList<ValueCount>? Top { get; init; }
}

/// <param name="Value">The value, shortened.</param>
/// <param name="Count">How often it stands.</param>
public sealed record ValueCount(string Value, long Count);
