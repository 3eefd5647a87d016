using System.Text.Json.Nodes;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Models;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Clean;

public sealed record CleanInput(string RunId, string DefinitionId, DatasetRef Raw);

/// <param name="Clean">The cleaned table.</param>
/// <param name="Dropped">Dropped rows by reason, such as <c>null: age</c>.</param>
/// <param name="Report">The stage's account.</param>
public sealed record CleanOutput(DatasetRef Clean, IReadOnlyDictionary<string, long> Dropped, StageReport Report) : IStageOutput;

/// <summary>
/// Drops the rows that training cannot use and counts them by reason; fills nulls where the definition says so, with values fitted on the
/// rows that will be training rows. Other rows stay as they are.
/// </summary>
public sealed class CleanStage(DatasetStore datasets, DefinitionStore definitions, RunStore runs, DuckDb duckDb) : IStage<CleanInput, CleanOutput>
{
    private const int FewestRows = 10;

    public static string Name => "clean";

    /// <exception cref="InputException">Too many rows would be dropped, too few are left, or the target cannot be learnt.</exception>
    public async Task<CleanOutput> RunAsync(CleanInput input, CancellationToken cancel)
    {
        var definition = await definitions.GetSnapshotAsync(input.DefinitionId, cancel);
        var raw = await datasets.GetAsync(input.Raw.Id, cancel);
        var plan = FeaturePlan.Of(definition, raw.Columns);
        var parameters = Parameters(definition);
        var id = DatasetStore.IdOf(Name, [raw.Id], parameters);
        if (await datasets.FindAsync(id, cancel) is { } existing)
        {
            return await ReportAsync(input.RunId, existing, plan.Warnings, reused: true, cancel);
        }
        var table = await datasets.OpenAsync(raw, cancel);
        var folder = datasets.NewDraftFolder();
        try
        {
            var cleaned = await Task.Run(() => Clean(table, plan, definition, folder, cancel), cancel);
            var draft = new DatasetManifest
            {
                Id = id,
                Stage = Name,
                Parents = [raw.Id],
                Parameters = parameters,
                Columns = raw.Columns,
                Rows = cleaned.Parts.Sum(part => part.Rows),
                Notes = cleaned.Notes,
            };
            return await ReportAsync(input.RunId, await datasets.CommitAsync(draft, cleaned.Parts, cancel), plan.Warnings, reused: false, cancel);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private (IReadOnlyList<LocalPart> Parts, JsonObject Notes) Clean(LocalTable raw, FeaturePlan plan, PipelineDefinition definition, string folder, CancellationToken cancel)
    {
        using var session = duckDb.Open(cancel, raw.Manifest.Columns.Count);
        var rules = new RowRules(plan, definition, raw.Manifest.Notes[DatasetNotes.Unparseable]!.GetValue<bool>());
        var dropped = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var ragged = raw.Manifest.Notes[DatasetNotes.Ragged]?.GetValue<long>() ?? 0;
        if (ragged > 0)
        {
            dropped["wrong number of cells"] = ragged;
        }
        var parts = raw.Paths.Select((path, i) => CleanPart(session, raw, i, rules, Path.Combine(folder, $"{i}.parquet"), dropped)).ToList();
        var kept = parts.Sum(part => part.Rows);
        CheckDropped(dropped, kept, raw.Manifest.Rows + ragged, definition.Cleaning.MaxDropped);

        var cleanedSql = $"read_parquet({Sql.Texts(parts.Select(part => part.Path))})";
        var target = TargetColumn.Examine(session, cleanedSql, plan.Target, definition);
        var imputed = Imputation.Fit(session, cleanedSql, plan, definition);
        if (imputed.Count > 0)
        {
            parts = [.. parts.Select((part, i) => Imputation.Apply(session, part, raw.Manifest.Columns, imputed, Path.Combine(folder, $"{i}-imputed.parquet")))];
        }
        var notes = new JsonObject
        {
            [DatasetNotes.Dropped] = new JsonObject(dropped.Select(reason => KeyValuePair.Create(reason.Key, (JsonNode?)reason.Value))),
            [DatasetNotes.Imputed] = new JsonObject(imputed.Select(value => KeyValuePair.Create(value.Key, (JsonNode?)value.Value))),
            [TargetColumn.Note] = target.ToJson(),
        };
        return (parts, notes);
    }

    private static LocalPart CleanPart(DuckDbSession session, LocalTable raw, int part, RowRules rules, string cleaned, SortedDictionary<string, long> dropped)
    {
        var source = $"read_parquet({Sql.Text(raw.Paths[part])}, file_row_number = true)";
        var cells = string.Join(", ", raw.Manifest.Columns.Select(column => Sql.Name(column.Name)));
        // Equal rows stand in the same part, so the first of them is found here.
        using var first = FirstRows.Find(session, source, (int)raw.Manifest.Parts[part].Rows, cells, rules.ReasonSql, rules.Reasons.Count);
        foreach (var (reason, rows) in rules.Reasons.Zip(first.RowsByReason).Where(counted => counted.Second > 0))
        {
            dropped[reason] = dropped.GetValueOrDefault(reason) + rows;
        }
        if (first.Duplicates > 0)
        {
            dropped["duplicate"] = dropped.GetValueOrDefault("duplicate") + first.Duplicates;
        }
        var query = $"SELECT {cells}, {first.HashSql("file_row_number")} AS {RowHash.ColumnName} FROM {source}";
        return new LocalPart(cleaned, session.Copy($"SELECT * FROM ({query}) WHERE {RowHash.ColumnName} IS NOT NULL", cleaned));
    }

    private static void CheckDropped(SortedDictionary<string, long> dropped, long kept, long rows, double most)
    {
        var reasons = string.Join(", ", dropped.OrderByDescending(reason => reason.Value).Take(10).Select(reason => $"{reason.Value} {reason.Key}"));
        if (rows - kept > rows * most)
        {
            throw new InputException(
                $"Cleaning would drop {rows - kept} of {rows} rows, more than the allowed {most:P0}: {reasons}. "
                + "Fill nulls with 'impute', declare columns 'ignore' or 'required': false, widen their rules, or raise cleaning.maxDropped.");
        }
        if (kept < FewestRows)
        {
            throw new InputException($"Only {kept} of {rows} rows are left after cleaning; at least {FewestRows} are needed{(dropped.Count > 0 ? $" ({reasons})" : "")}. Give more rows.");
        }
    }

    private async Task<CleanOutput> ReportAsync(string runId, DatasetManifest manifest, IReadOnlyList<string> warnings, bool reused, CancellationToken cancel)
    {
        var dropped = manifest.Notes[DatasetNotes.Dropped]!.AsObject().ToDictionary(reason => reason.Key, reason => reason.Value!.GetValue<long>());
        await runs.LogMetricsAsync(runId, dropped.ToDictionary(reason => $"dropped: {Shorten(reason.Key)}", reason => (double)reason.Value), cancel);
        return new CleanOutput(manifest.Ref, dropped.OrderByDescending(reason => reason.Value).Take(100).ToDictionary(), new StageReport(manifest.Rows, reused, warnings));
    }

    private static string Shorten(string reason) => reason.Length <= 120 ? reason : string.Concat(reason.AsSpan(0, 120), "…");

    /// <summary>The parts of the definition that decide which rows stay and how nulls are filled.</summary>
    private static JsonObject Parameters(PipelineDefinition definition) => new()
    {
        ["definition"] = JsonNode.Parse(DefinitionJson.Write(new PipelineDefinition
        {
            Model = "any",
            Target = definition.Target,
            Task = definition.Task,
            Positive = definition.Positive,
            Columns = definition.Columns,
            Cleaning = definition.Cleaning,
            Features = new FeatureRules { DateParts = definition.Features.DateParts },
            Split = definition.Columns.Values.Any(rule => rule.Impute is not null) ? definition.Split : new SplitRules(),
        })),
        ["format"] = 1,
    };
}
