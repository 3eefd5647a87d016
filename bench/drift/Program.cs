using System.Diagnostics;
using System.Globalization;
using MlOps.Drift;
using MlOps.Drift.Profiles;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Profiling;

// Times drift of a made-up table as the drift stage does it: validation rows, a fifth, against training rows.
// usage: MlOps.Bench.Drift ROWS COLUMNS FOLDER [peer.csv]     every tenth column holds categories; the CSV, when named, gets the first million rows
var (rows, columns, folder) = (long.Parse(args[0], CultureInfo.InvariantCulture), int.Parse(args[1], CultureInfo.InvariantCulture), args[2]);
Directory.CreateDirectory(folder);
var options = new PipelineOptions { WorkFolder = folder };
using var duckDb = new DuckDb(options, []);
var path = Path.Combine(folder, $"rows-{rows}x{columns}.parquet");
var names = Enumerable.Range(0, columns).Select(i => (Name: $"c{i}", IsNumeric: i % 10 != 9)).ToList();
if (!File.Exists(path))
{
    using var maker = new DuckDb(options with { DuckDbMemoryMb = 6144 }, []);
    using var session = maker.Open(default);
    // Half of the numeric columns are continuous, half are prices with two decimals.
    var cells = names.Select((column, i) => column.IsNumeric
        ? (i % 2 == 0 ? $"(random() + random() + random()) AS {column.Name}" : $"round(100 * random() * random(), 2) AS {column.Name}")
        : $"'k' || (floor(random() * random() * 40))::INT AS {column.Name}");
    session.Copy($"SELECT {string.Join(", ", cells)}, i::UBIGINT AS {RowHash.ColumnName} FROM range({rows}) r(i)", path);
}
if (args.Length > 3)
{
    using var session = duckDb.Open(default);
    session.Execute($"COPY (SELECT {string.Join(", ", names.Select(column => column.Name))} FROM "
        + $"{Sql.Texts([path]).Replace("[", "read_parquet([", StringComparison.Ordinal)}) LIMIT 1000000) TO {Sql.Text(args[3])} (FORMAT csv, HEADER)");
}

var table = new LocalTable(
    new DatasetManifest
    {
        Id = "all",
        Stage = "bench",
        Parents = [],
        Parameters = [],
        Columns =
        [
            .. names.Select(column => new DatasetColumn(
                column.Name, column.IsNumeric ? StorageType.Double : StorageType.Varchar, column.IsNumeric ? ColumnKind.Numeric : ColumnKind.Categorical))
        ],
        Rows = rows,
    },
    [path]);

var profiler = new TableProfiler(duckDb, options);
ProfiledColumn[] profiled = [.. names.Select(column => new ProfiledColumn(column.Name, column.IsNumeric, Sql.Name(column.Name)))];
var clock = Stopwatch.StartNew();
var done = 0;
Task Tell(int more)
{
    done += more;
    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds,7:0.0} s  {done} of {2 * columns} columns read"));
    return Task.CompletedTask;
}
var (reference, current) = await profiler.ProfileSidesAsync(table, new RowSelection(SplitSide.Validation, 0.2, 42), profiled, Tell, default);
var read = clock.Elapsed;
using var file = new MemoryStream();
ProfileFile.Write(file, reference);
var compared = TableComparison.Compare(
    "validation", (new DriftSide("reference", "", rows), reference), (new DriftSide("current", "", rows), current), new Dictionary<string, DriftRule>(),
    limit: 0.5);
var end = clock.Elapsed;
var peak = File.Exists("/proc/self/status")
    ? File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM", StringComparison.Ordinal)).Split(':')[1].Trim()
    : "?";
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"{rows} rows x {columns} columns: {end.TotalSeconds:0.0} s (reading {read.TotalSeconds:0.0}, scores {(end - read).TotalSeconds:0.00}, "
        + $"{Environment.CpuUsage.TotalTime.TotalSeconds:0.0} s of processor), {end.TotalSeconds * 1e9 / rows / columns:0.0} ns a cell, profile "
            + $"{file.Length / 1e6:0.0} MB, peak {peak}, {compared.DriftedColumns} drifted"));
