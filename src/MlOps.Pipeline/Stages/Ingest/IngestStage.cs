using System.Text.Json.Nodes;
using DuckDB.NET.Data;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Ingest;

/// <param name="Source"><c>raw/{model}/{file}</c> for a blob, else a local path.</param>
public sealed record IngestInput(string Source);

/// <param name="Raw">The raw table.</param>
/// <param name="Parts">How many parts it has.</param>
/// <param name="Report">The stage's account.</param>
/// <param name="Goal">What the run is for, as its row says now: it may have become less while the run waited for its turn.</param>
public sealed record IngestOutput(DatasetRef Raw, int Parts, StageReport Report, RunGoal Goal = RunGoal.Model) : IStageOutput;

/// <summary>
/// Turns a raw CSV or Parquet file into the dataset version <c>raw</c>: typed Parquet parts. The version is a function of the file's bytes
/// and the declared column kinds, so the same bytes from anywhere give the same version, and are not copied again.
/// </summary>
public sealed class IngestStage(PipelineStorage storage, DatasetStore datasets, RunStore runs, DuckDb duckDb, PipelineOptions options)
    : IStage<IngestInput, IngestOutput>
{
    public static string Name => "ingest";

    /// <exception cref="InputException">The file is missing, empty, or not readable as a table.</exception>
    public async Task<IngestOutput> RunAsync(StageContext context, IngestInput input, CancellationToken cancel)
    {
        var output = await IngestAsync(context, input, cancel);
        return output with { Goal = (await runs.FindAsync(context.RunId, cancel))?.Goal ?? RunGoal.Model };
    }

    private async Task<IngestOutput> IngestAsync(StageContext context, IngestInput input, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        using var source = await SourceFile.OpenAsync(input.Source, storage, options, cancel);
        using var scan = await SourceScan.RunAsync(source, options.WorkFolder, cancel);

        var parameters = Parameters(definition);
        var id = DatasetStore.IdOf(Name, [scan.Sha256], parameters);
        if (await datasets.FindAsync(id, cancel) is { } existing)
        {
            return new IngestOutput(existing.Ref, existing.Parts.Count, new StageReport(existing.Rows, Reused: true));
        }
        var folder = datasets.NewDraftFolder();
        try
        {
            var read = await Task.Run(() => Read(scan, source.Name, definition, folder, cancel), cancel);
            var draft = new DatasetManifest
            {
                Id = id,
                Stage = Name,
                Parents = [scan.Sha256],
                Parameters = parameters,
                Columns = read.Table.Columns,
                Rows = read.Parts.Sum(part => part.Rows),
                Notes = new JsonObject { [DatasetNotes.Ragged] = read.Ragged.Rows, [DatasetNotes.Unparseable] = read.Table.MarksUnparseable },
            };
            var manifest = await datasets.CommitAsync(draft, read.Parts, cancel);
            context.Warn([.. read.Table.Warnings, .. read.Ragged.Warnings]);
            return new IngestOutput(manifest.Ref, manifest.Parts.Count, new StageReport(manifest.Rows));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Only what changes how cells are read: another target or gate does not make another raw table.</summary>
    private static JsonObject Parameters(PipelineDefinition definition)
    {
        var kinds = definition.Columns.Where(column => column.Value.Kind is not null).OrderBy(column => column.Key, StringComparer.Ordinal)
            .Select(column => KeyValuePair.Create(column.Key, (JsonNode?)column.Value.Kind.ToString()));
        return new JsonObject { ["kinds"] = new JsonObject(kinds), ["format"] = 1 };
    }

    private (RawTable Table, IReadOnlyList<LocalPart> Parts, Ragged Ragged) Read(
        SourceScan scan, string name, PipelineDefinition definition, string folder, CancellationToken cancel)
    {
        if (scan.Format == SourceFormat.Parquet)
        {
            using var parquetSession = duckDb.Open(cancel);
            var parquet = ParquetTable.Read(parquetSession, scan.Path, name, definition);
            return Checked(name, parquet, PartWriter.Write(parquetSession, parquet, options.RowsPerPart, folder), Ragged.None);
        }
        var csv = new CsvTable(scan, name, definition);
        using var session = duckDb.Open(csv.Columns, cancel);
        if (csv.Strict() is { } strict)
        {
            try
            {
                return Checked(name, strict, PartWriter.Write(session, strict, options.RowsPerPart, folder), Ragged.None);
            }
            catch (DuckDBException) when (!cancel.IsCancellationRequested)
            {
                // Not as clean as its first rows: read it tolerantly below.
            }
        }
        return ReadTolerantly(session, csv, name, folder);
    }

    private (RawTable, IReadOnlyList<LocalPart>, Ragged) ReadTolerantly(DuckDbSession session, CsvTable csv, string name, string folder)
    {
        var table = csv.Tolerant(session, name);
        session.Execute("DROP TABLE IF EXISTS reject_errors");
        session.Execute("DROP TABLE IF EXISTS reject_scans");
        try
        {
            var parts = PartWriter.Write(session, table, options.RowsPerPart, folder);
            return Checked(name, table, parts, Ragged.Count(session, name));
        }
        catch (DuckDBException fault)
        {
            throw new InputException($"{name} cannot be read as CSV: {fault.Message.Split('\n')[0]}", fault);
        }
    }

    private static (RawTable, IReadOnlyList<LocalPart>, Ragged) Checked(string name, RawTable table, IReadOnlyList<LocalPart> parts, Ragged ragged) =>
        parts.Sum(part => part.Rows) > 0
            ? (table, parts, ragged)
            : throw new InputException($"{name} has no rows that can be "
                + $"read{(ragged.Rows > 0 ? $": {ragged.Rows} rows have another number of cells than the header ({table.Columns.Count})" : "")}.");

    /// <summary>Rows whose number of cells differs from the header's.</summary>
    private sealed record Ragged(long Rows, IReadOnlyList<string> Warnings)
    {
        public static Ragged None { get; } = new(0, []);

        public static Ragged Count(DuckDbSession session, string name)
        {
            var row = session.Rows("SELECT count(DISTINCT line), min(line), any_value(error_message ORDER BY line), count(*) FROM reject_errors")[0];
            var rows = Convert.ToInt64(row[0], System.Globalization.CultureInfo.InvariantCulture);
            return rows == 0
                ? None
                : new Ragged(
                    rows,
                    [$"{name}: {(Convert.ToInt64(row[3], System.Globalization.CultureInfo.InvariantCulture) < CsvTable.MostRejects ? "" : "at least ")}"
                        + $"{rows} rows were left out because their number of cells is not the header's; "
                        + $"the first is line {row[1]} ({((string?)row[2])?.Split('\n')[0]})."]);
        }
    }
}
