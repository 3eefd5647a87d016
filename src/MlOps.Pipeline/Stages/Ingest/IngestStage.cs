using System.Text.Json.Nodes;
using DuckDB.NET.Data;
using DuckDB.NET.Native;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Ingest;

/// <param name="Source"><c>raw/{model}/{file}</c> for a blob, <c>datasets/{id}</c> for a raw table that there is, else a local path.</param>
public sealed record IngestInput(string Source);

/// <param name="Raw">The raw table.</param>
/// <param name="Parts">How many parts it has.</param>
/// <param name="Report">The stage's account.</param>
/// <param name="Goal">What the run is for, as its row says now: it may have become less while the run waited for its turn.</param>
/// <param name="SplitKey">The columns whose values decide the side of the split that a row falls on; null: those that the model has to do with.</param>
public sealed record IngestOutput(
    DatasetRef Raw, int Parts, StageReport Report, RunGoal Goal = RunGoal.Model, IReadOnlyList<string>? SplitKey = null) : IStageOutput
{
    IEnumerable<(string Stage, DatasetRef Version)> IStageOutput.Versions => [(Goal == RunGoal.Score ? DataEntry.Input : "raw", Raw)];
}

/// <summary>
/// Turns a raw CSV or Parquet file into the dataset version <c>raw</c>: typed Parquet parts. The version is a function of the file's bytes
/// and of how they are read (what is declared, and what an earlier table decides where the file shows nothing), so the same bytes read the same way give the
/// same version from wherever they come, and are not copied again.
/// </summary>
public sealed class IngestStage(
    PipelineStorage storage, DatasetStore datasets, RunStore runs, ModelRegistry registry, ArtifactStore artifacts, DuckDb duckDb, PipelineOptions options,
    GuessCorrection guesses)
    : IStage<IngestInput, IngestOutput>
{
    public static string Name => "ingest";

    /// <exception cref="InputException">The file is missing, empty, or not readable as a table.</exception>
    public async Task<IngestOutput> RunAsync(StageContext context, IngestInput input, CancellationToken cancel)
    {
        var output = await IngestAsync(context, input, cancel);
        var goal = (await runs.FindAsync(context.RunId, cancel))?.Goal ?? RunGoal.Model;
        return output with { Goal = goal, SplitKey = goal == RunGoal.Score ? null : await SplitKeyAsync(context, output.Raw, cancel) };
    }

    /// <summary>
    /// What production's signature and the table share, so that a new column does not put rows that production was trained on among those that it is
    /// measured on.
    /// </summary>
    private async Task<IReadOnlyList<string>?> SplitKeyAsync(StageContext context, DatasetRef raw, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        if (definition.Split.Key.Count > 0)
        {
            return definition.Split.Key;
        }
        if ((await registry.FindAsync(context.Model, cancel))?.Production is not { } production)
        {
            return null;
        }
        var version = await registry.GetAsync(context.Model, production, cancel);
        if (await FindSignatureAsync(context, version, cancel) is not { } signature)
        {
            return null;
        }
        var columns = (await datasets.GetAsync(raw.Id, cancel)).Columns.Select(column => column.Name).ToHashSet(StringComparer.Ordinal);
        var shared = signature.Inputs.Append(signature.Target).Select(column => column.Name).Where(columns.Contains).Order(StringComparer.Ordinal).ToList();
        return shared.Count > 0 ? shared : null;
    }

    /// <summary>What is wrong with production is no fault of the file.</summary>
    private async Task<Signature?> FindSignatureAsync(StageContext context, ModelVersion version, CancellationToken cancel)
    {
        try
        {
            return await version.ToFiles().FindAsync(artifacts, StoredModel.SignatureFile, cancel) is { } stored
                ? Json.Read<Signature>(stored.ToString())
                : null;
        }
        catch (InputException changed)
        {
            context.Warn(WarningCodes.SplitKeyNotFollowed, $"The split does not follow production version {version.Version}: {changed.Message}");
            return null;
        }
    }

    private async Task<IngestOutput> IngestAsync(StageContext context, IngestInput input, CancellationToken cancel)
    {
        if (StoredSource.IdOf(input.Source) is { } stored)
        {
            return await TakeAsync(context, stored, cancel);
        }
        var definition = await context.GetDefinitionAsync(cancel);
        var run = await runs.FindAsync(context.RunId, cancel);
        using var source = await SourceFile.OpenAsync(input.Source, run?.SourceETag, storage, options, cancel);
        // The file is read while its bytes are hashed: that a version of the same bytes is there is seldom, and then the reading is given up.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var hashing = source.HashAsync(stop.Token);
        try
        {
            using var scan = await SourceScan.RunAsync(source, options, cancel);
            if (run is { Goal: RunGoal.Score } && scan.Format == SourceFormat.Parquet)
            {
                definition = AsStored(definition);
            }
            // Whoever scores is answered by the formats of the version that scores.
            var earlier = run is { Goal: RunGoal.Score }
                ? null
                : EarlierFormats.Of(definition, await EarlierTable.FindAsync(registry, datasets, context.Model, cancel));
            var folder = datasets.NewDraftFolder();
            var reading = Task.Run(() => Read(scan, source.Name, definition, folder, stop.Token), stop.Token);
            try
            {
                var hash = await hashing;
                context.Log($"read {input.Source}: {scan.Format}, SHA-256 {hash}");
                var parameters = Parameters(definition, scan.Format);
                var existing = await datasets.ReuseAsync(DatasetStore.IdOf(Name, [hash], parameters), cancel);
                var read = existing is null ? await reading : null;
                var doubts = read?.Table.Doubts ?? EarlierFormats.DoubtsOf(existing!);
                if (earlier?.Settle(read?.Table.Columns ?? existing!.Columns, doubts) is { } settled)
                {
                    // As if the earlier formats were declared: what is made of the same bytes has another id then.
                    parameters = Parameters(settled, scan.Format);
                    existing = await datasets.ReuseAsync(DatasetStore.IdOf(Name, [hash], parameters), cancel);
                    read = existing is null ? await Task.Run(() => Read(scan, source.Name, settled, folder, stop.Token), stop.Token) : null;
                }
                var warnings = read?.Table.Warnings ?? WarningsOf(existing!);
                var examples = read is null ? ColumnExample.Of(existing!) : ColumnExample.ByColumn(read.Table.Examples);
                context.Warn(earlier?.Tell(warnings, doubts, read?.Table.Columns ?? existing!.Columns, examples) ?? warnings);
                var shown = read?.Table.Shown.Where(column => definition.Columns.GetValueOrDefault(column) is { Assumed: true }).ToList() ?? ShownOf(existing!);
                if (run is not { Goal: RunGoal.Score })
                {
                    var corrected = GuessCorrection.Of(definition, read?.Table.Columns ?? existing!.Columns, shown);
                    await guesses.CorrectAsync(context, definition, corrected, examples, cancel);
                }
                return existing is null ? await CommitAsync(context, hash, parameters, (read!, shown), cancel) : Reuse(context, existing);
            }
            finally
            {
                await EndAsync(reading, stop);
                Directory.Delete(folder, recursive: true);
            }
        }
        finally
        {
            await EndAsync(hashing, stop);
        }
    }

    /// <summary>Gives up what is still at work. Of what it came to, all that matters is known.</summary>
    private static async Task EndAsync(Task work, CancellationTokenSource stop)
    {
        await stop.CancelAsync();
        await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<IngestOutput> CommitAsync(
        StageContext context, string hash, JsonObject parameters, (FileRead Read, IReadOnlyList<string> Shown) file, CancellationToken cancel)
    {
        var (read, shown) = file;
        var draft = new DatasetManifest
        {
            Id = DatasetStore.IdOf(Name, [hash], parameters),
            Stage = Name,
            Parents = [hash],
            Parameters = parameters,
            Columns = read.Table.Columns,
            Rows = read.Parts.Sum(part => part.Rows),
            Notes = new JsonObject
            {
                [DatasetNotes.Ragged] = read.Ragged,
                [DatasetNotes.Unparseable] = read.Table.MarksUnparseable,
                [DatasetNotes.Identity] = JsonNode.Parse(Json.Write(read.Identity)),
                [DatasetNotes.Warnings] = JsonNode.Parse(Json.Write(read.Table.Warnings)),
            },
        };
        if (read.Table.Doubts.Count > 0)
        {
            draft.Notes[DatasetNotes.Doubts] = JsonNode.Parse(Json.Write(read.Table.Doubts));
        }
        if (shown.Count > 0)
        {
            draft.Notes[DatasetNotes.Shown] = JsonNode.Parse(Json.Write(shown));
        }
        if (read.Table.Examples.Count > 0)
        {
            draft.Notes[DatasetNotes.Examples] = JsonNode.Parse(Json.Write(read.Table.Examples));
        }
        if (read.Lines is { } lines)
        {
            draft.Notes[DatasetNotes.Lines] = lines;
        }
        if (read.LeftOut is { } leftOut)
        {
            await DroppedRows.SaveAsync(storage, draft.Id, [new DroppedRows(DroppedRows.Ragged, [], leftOut.First) { Line = leftOut.Line }], cancel);
            draft.Notes[DatasetNotes.DroppedRows] = draft.Id;
        }
        var manifest = await datasets.CommitAsync(draft, read.Parts, cancel);
        context.Log($"dataset version {manifest.Id}: {manifest.Rows:N0} rows, {manifest.Columns.Count} columns, {manifest.Parts.Count} parts");
        if (read.Ragged > 0)
        {
            var have = read.Ragged == 1 ? "row is left out: it has" : "rows are left out: they have";
            context.Log($"{read.Ragged:N0} {have} another number of cells than the header");
        }
        return new IngestOutput(manifest.Ref, manifest.Parts.Count, new StageReport(manifest.Rows));
    }

    /// <summary>A raw table as it was read then: what the definition says of reading does not change it.</summary>
    private async Task<IngestOutput> TakeAsync(StageContext context, string id, CancellationToken cancel)
    {
        var version = await datasets.ReuseAsync(id, cancel) ?? throw new InputException(DatasetClaims.Gone(id));
        if (version.Stage != Name)
        {
            throw new InputException(
                $"Dataset version {id} is no raw table: stage {version.Stage} made it. Start the run from a raw version, which the other stages come from.");
        }
        context.Warn(WarningsOf(version));
        return Reuse(context, version);
    }

    private static IngestOutput Reuse(StageContext context, DatasetManifest version)
    {
        context.Log($"dataset version {version.Id} is there already: {version.Rows:N0} rows, {version.Columns.Count} columns");
        return new IngestOutput(version.Ref, version.Parts.Count, new StageReport(version.Rows, Reused: true));
    }

    private static IReadOnlyList<Warning> WarningsOf(DatasetManifest version) =>
        Json.Read<IReadOnlyList<Warning>>(version.Notes[DatasetNotes.Warnings]?.ToJsonString() ?? "[]");

    private static List<string> ShownOf(DatasetManifest version) => Json.Read<List<string>>(version.Notes[DatasetNotes.Shown]?.ToJsonString() ?? "[]");

    /// <summary>
    /// A Parquet file has types of its own, and a cell of another type than the declared one would be taken for a missing one. Whoever scores has to see what
    /// the cell is; only a category is the text that is written for it, whatever its type.
    /// </summary>
    private static PipelineDefinition AsStored(PipelineDefinition definition) => definition with
    {
        Columns = definition.Columns.ToDictionary(
            column => column.Key, column => column.Value.Kind == ColumnKind.Categorical
                ? column.Value
                : column.Value with { Kind = null, Format = null, Decimal = null }),
    };

    /// <summary>Only what changes how cells are read: another gate does not make another raw table.</summary>
    private static JsonObject Parameters(PipelineDefinition definition, SourceFormat format)
    {
        var declared = definition.Columns.OrderBy(column => column.Key, StringComparer.Ordinal).ToList();
        var kinds = declared.Where(column => column.Value.Kind is not null)
            .Select(column => KeyValuePair.Create(column.Key, (JsonNode?)column.Value.Kind.ToString()));
        var cells = declared.Where(column => column.Value is not { Nulls: null, Format: null, Decimal: null, Assumed: false })
            .Select(
                column => KeyValuePair.Create(column.Key, JsonNode.Parse(Json.Write(
                    new { column.Value.Nulls, column.Value.Format, column.Value.Decimal, Assumed = column.Value.Assumed ? true : (bool?)null }))));
        return new JsonObject
        {
            ["kinds"] = new JsonObject(kinds),
            ["cells"] = new JsonObject(cells),
            // The target decides whether its first line is a header, and how doubtful columns are read.
            ["target"] = definition.Target,
            ["header"] = definition.Header,
            // Texts of a Parquet file were once read as if all numbers had a point and all dates began with the year.
            // Its numbers were once never missing, whatever was declared.
            ["format"] = format != SourceFormat.Parquet ? 2 : declared.Exists(column => column.Value.Nulls is not null) ? 4 : 3,
        };
    }

    private FileRead Read(
        SourceScan scan, string name, PipelineDefinition definition, string folder, CancellationToken cancel)
    {
        if (scan.Format == SourceFormat.Parquet)
        {
            using var parquetSession = duckDb.Open(cancel);
            var parquet = ParquetTable.Read(parquetSession, scan.Path, name, definition, options.Limits);
            return ParquetTable.Checked(
                name,
                () =>
                {
                    var written = PartWriter.Write(parquetSession, parquet, options.RowsPerPart, folder);
                    return written.Sum(part => part.Rows) == parquet.Rows
                        ? FileRead.Of(parquetSession, parquet, written, leftOut: null)
                        : throw ParquetTable.Damaged(name);
                },
                scan.Path);
        }
        using var csv = new CsvTable(scan, name, definition, options, cancel);
        using var session = duckDb.Open(csv.Columns.Count, cancel);
        var table = csv.Table();
        var parts = TryWrite(session, table, folder, csv.Rows, cancel);
        if (parts is null)
        {
            // DuckDB does not see the rows that are there: give it a text that leaves no choice.
            table = csv.Table(anew: true);
            parts = PartWriter.Write(session, table, options.RowsPerPart, folder);
            if (parts.Sum(part => part.Rows) is var written && written != csv.Rows)
            {
                throw new InvalidOperationException($"{name} has {csv.Rows} rows, of which {written} were written.");
            }
        }
        return FileRead.Of(session, table, parts, csv.LeftOut) with { Lines = parts.Count == 1 ? csv.RowLines.ToJson() : null };
    }

    private IReadOnlyList<LocalPart>? TryWrite(DuckDbSession session, RawTable table, string folder, long rows, CancellationToken cancel)
    {
        try
        {
            var parts = PartWriter.Write(session, table, options.RowsPerPart, folder);
            return parts.Sum(part => part.Rows) == rows ? parts : null;
        }
        catch (DuckDBException refused) when (!cancel.IsCancellationRequested && IsOfTheText(refused))
        {
            return null;
        }
    }

    /// <summary>A full disk or too little memory is no fault of the text.</summary>
    private static bool IsOfTheText(DuckDBException fault) => fault.ErrorType is DuckDBErrorType.InvalidInput or DuckDBErrorType.Conversion;

    /// <summary>A file that was read into parts.</summary>
    /// <param name="Table">Its columns, and what the user should know.</param>
    /// <param name="Parts">Its rows.</param>
    /// <param name="LeftOut">Rows that were left out; null: none.</param>
    /// <param name="Identity">Whether rows can be told apart.</param>
    private sealed record FileRead(RawTable Table, IReadOnlyList<LocalPart> Parts, RaggedRows? LeftOut, RowIdentity Identity)
    {
        public long Ragged => LeftOut?.Rows ?? 0;

        /// <summary>On which line each row starts; null where the file has no lines, or they are not known.</summary>
        public JsonArray? Lines { get; init; }

        public static FileRead Of(DuckDbSession session, RawTable table, IReadOnlyList<LocalPart> parts, RaggedRows? leftOut) =>
            new(table, parts, leftOut, RowIdentity.Of(session, parts[0].Path, table.Columns));
    }
}
