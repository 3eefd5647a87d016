using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Clean;

/// <param name="Raw">The raw table.</param>
/// <param name="ByParts">True: <see cref="CleanPartStage"/> has cleaned every part, and only the whole is left to do.</param>
/// <param name="SplitKey">The columns whose values decide the side of the split; null: those that the model has to do with.</param>
public sealed record CleanInput(DatasetRef Raw, bool ByParts = false, IReadOnlyList<string>? SplitKey = null);

/// <param name="Clean">The cleaned table.</param>
/// <param name="Dropped">Dropped rows by reason, such as <c>null: age</c>.</param>
/// <param name="Report">The stage's account.</param>
public sealed record CleanOutput(DatasetRef Clean, IReadOnlyDictionary<string, long> Dropped, StageReport Report) : IStageOutput
{
    IEnumerable<(string Stage, DatasetRef Version)> IStageOutput.Versions => [("clean", Clean)];
}

/// <summary>
/// Drops the rows that training cannot use and counts them by reason; fills nulls where the definition says so, with values fitted on the
/// rows that will be training rows. Other rows stay as they are.
/// </summary>
public sealed class CleanStage(PipelineStorage storage, DatasetStore datasets, DuckDb duckDb) : IStage<CleanInput, CleanOutput>
{
    private const int FewestRows = 10;

    /// <summary>Reasons in the log.</summary>
    private const int MostReasons = 20;

    /// <summary>Small files that are read at the same moment.</summary>
    private const int MostReads = 16;

    public static string Name => "clean";

    /// <exception cref="InputException">Too many rows would be dropped, too few are left, or the target cannot be learnt.</exception>
    public async Task<CleanOutput> RunAsync(StageContext context, CleanInput input, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var raw = await datasets.GetAsync(input.Raw.Id, cancel);
        var rules = CleanRules.Of(definition, raw, input.SplitKey);
        var ids = CleanIds.Of(raw, rules);
        if (await datasets.ReuseAsync(ids.Clean, cancel) is { } existing)
        {
            return await ReportAsync(context, raw, existing, rules.Plan, reused: true, cancel);
        }
        var rows = await datasets.ReuseAsync(ids.Rows, cancel);
        if (rows is null)
        {
            var parts = input.ByParts
                ? await ReadPartsAsync(ids.Rows, raw.Parts.Count, cancel)
                : await CleanPartsAsync(raw, rules, ids.Rows, cancel);
            rows = await CommitAsync(raw, parts, rules, ids, cancel);
        }
        var clean = ids.Clean == ids.Rows ? rows : await FillAsync(rows, rules, ids, cancel);
        return await ReportAsync(context, raw, clean, rules.Plan, reused: false, cancel);
    }

    private async Task<IReadOnlyList<CleanedPart>> CleanPartsAsync(
        DatasetManifest raw, CleanRules rules, string dataset, CancellationToken cancel)
    {
        var table = await datasets.OpenAsync(raw, cancel);
        var cleaner = new PartCleaner(datasets, duckDb, raw, rules);
        var parts = new List<CleanedPart>();
        for (var part = 0; part < table.Paths.Count; part++)
        {
            parts.Add(await cleaner.CleanAsync(part, table.Paths[part], dataset, cancel));
        }
        return parts;
    }

    private async Task<IReadOnlyList<CleanedPart>> ReadPartsAsync(string dataset, int count, CancellationToken cancel)
    {
        var parts = new CleanedPart[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = MostReads, CancellationToken = cancel }, async (part, stop) =>
            parts[part] = await CleanedPart.ReadAsync(storage, dataset, part, stop));
        return parts;
    }

    /// <summary>Examples of what was dropped are kept first: a version that is there has them.</summary>
    private async Task<DatasetManifest> CommitAsync(
        DatasetManifest raw, IReadOnlyList<CleanedPart> parts, CleanRules rules, CleanIds ids, CancellationToken cancel)
    {
        var dropped = Dropped(raw, parts);
        var unread = await DroppedRows.ReadAsync(storage, raw, cancel);
        var examples = DroppedRows.Join([.. unread, .. parts.SelectMany(part => part.Examples ?? [])], dropped);
        CheckDropped(raw, parts.Sum(part => part.Part.Rows), dropped, examples, rules.Definition.Cleaning.MaxDropped);
        var draft = Join(raw, parts, rules, ids, dropped);
        if (examples.Count > 0)
        {
            await DroppedRows.SaveAsync(storage, draft.Id, examples, cancel);
            draft.Notes[DatasetNotes.DroppedRows] = draft.Id;
        }
        return await datasets.CommitAsync(draft, cancel);
    }

    /// <summary>Rows that are left out, by reason.</summary>
    private static SortedDictionary<string, long> Dropped(DatasetManifest raw, IReadOnlyList<CleanedPart> parts)
    {
        var dropped = new SortedDictionary<string, long>(StringComparer.Ordinal);
        if (raw.Notes[DatasetNotes.Ragged]?.GetValue<long>() is > 0 and var ragged)
        {
            dropped[DroppedRows.Ragged] = ragged;
        }
        foreach (var (reason, count) in parts.SelectMany(part => part.Dropped))
        {
            dropped[reason] = dropped.GetValueOrDefault(reason) + count;
        }
        return dropped;
    }

    private static DatasetManifest Join(
        DatasetManifest raw, IReadOnlyList<CleanedPart> parts, CleanRules rules, CleanIds ids, IReadOnlyDictionary<string, long> dropped)
    {
        return new DatasetManifest
        {
            Id = ids.Rows,
            Stage = Name,
            Parents = [raw.Id],
            Parameters = ids.Parameters,
            Columns = raw.Columns,
            Parts = [.. parts.Select(part => part.Part)],
            Rows = parts.Sum(part => part.Part.Rows),
            Notes = new JsonObject
            {
                [DatasetNotes.Dropped] = new JsonObject(dropped.Select(reason => KeyValuePair.Create(reason.Key, (JsonNode?)reason.Value))),
                [DatasetNotes.Imputed] = new JsonObject(),
                [TargetColumn.Note] = Target(raw, parts, rules).ToJson(),
                [DatasetNotes.SplitKey] = new JsonArray([.. rules.SplitKey.Select(column => (JsonNode?)column)]),
                [DatasetNotes.Loss] = JsonNode.Parse(Json.Write(parts.Aggregate(TargetLoss.None, (loss, part) => loss.And(part.Loss ?? TargetLoss.None)))),
                [DatasetNotes.Unused] = UnusedCells.Join(parts.Select(part => part.Unused)),
                [DatasetNotes.Kept] = rules.KeepsEqual ? parts.Sum(part => part.Equal) : 0,
                // There are lines only where there is one part.
                [DatasetNotes.KeptLine] = rules.KeepsEqual ? parts[0].EqualLine : null,
            },
        };
    }

    /// <summary>What is predicted; where that does not work, with what was noticed about the column when the file was read.</summary>
    private static TargetColumn Target(DatasetManifest raw, IReadOnlyList<CleanedPart> parts, CleanRules rules)
    {
        try
        {
            return TargetColumn.Decide(parts.SelectMany(part => part.TargetValues), rules.Plan.Target, rules.Definition, parts.Sum(part => part.Part.Rows));
        }
        catch (InputException unfit)
        {
            var noticed = Json.Read<IReadOnlyList<Warning>>(raw.Notes[DatasetNotes.Warnings]?.ToJsonString() ?? "[]")
                .Where(warning => warning.Column == rules.Plan.Target.Name).Select(warning => warning.Text).ToList();
            throw noticed.Count == 0 ? unfit : new InputException([.. unfit.Problems, .. noticed]);
        }
    }

    /// <summary>The view of the rows in which nulls are filled.</summary>
    private async Task<DatasetManifest> FillAsync(DatasetManifest rows, CleanRules rules, CleanIds ids, CancellationToken cancel)
    {
        var table = await datasets.OpenAsync(rows, cancel);
        var (imputed, telling) = await Task.Run(() => Fit(table, rules, cancel), cancel);
        var notes = (JsonObject)rows.Notes.DeepClone();
        notes[DatasetNotes.Imputed] = new JsonObject(imputed.Select(value => KeyValuePair.Create(value.Key, (JsonNode?)value.Value)));
        notes[DatasetNotes.TellingGaps] = new JsonArray([.. telling.Select(column => (JsonNode?)column)]);
        var filled = rows with { Id = ids.Clean, Parents = [rows.Id], Parts = [], Projection = Imputation.Columns(rows.Columns, imputed), Notes = notes };
        return await datasets.CommitAsync(filled, cancel);
    }

    private (IReadOnlyDictionary<string, string> Imputed, IReadOnlyList<string> TellingGaps) Fit(LocalTable rows, CleanRules rules, CancellationToken cancel)
    {
        using var session = duckDb.Open(rows.Manifest.Columns.Count, cancel);
        var imputed = Imputation.Fit(session, rows, rules.Plan, rules.Definition);
        return (imputed, TellingGaps.Of(session, rows, [.. imputed.Keys]));
    }

    private static void CheckDropped(
        DatasetManifest raw, long kept, IReadOnlyDictionary<string, long> dropped, IReadOnlyList<DroppedRows> examples, double most)
    {
        var rows = kept + dropped.Values.Sum();
        var shown = CleanWarnings.FirstOf(raw, examples);
        var reasons = string.Join(", ", dropped.OrderByDescending(reason => reason.Value).Take(10).Select(
            reason => $"{reason.Value} {reason.Key}{shown(reason.Key)}"));
        if (rows - kept > rows * most)
        {
            throw new InputException(
                $"Cleaning would drop {rows - kept} of {rows} rows, more than the allowed {most:P0}: {reasons}. "
                + (dropped.Keys.Any(RowRules.IsUnparseable) ? "Correct the cells that cannot be read, or declare \"nulls\", \"format\" or another kind. " : "")
                + "Fill nulls with 'impute', declare columns 'ignore' or 'required': false, widen their rules, or raise cleaning.maxDropped.");
        }
        if (kept < FewestRows)
        {
            throw new InputException($"Only {kept} of {rows} rows {(kept == 1 ? "is" : "are")} left after cleaning; at least {FewestRows} are "
                + $"needed{(dropped.Count > 0 ? $" ({reasons})" : "")}. Give more rows.");
        }
    }

    private async Task<CleanOutput> ReportAsync(
        StageContext context, DatasetManifest raw, DatasetManifest manifest, FeaturePlan plan, bool reused, CancellationToken cancel)
    {
        context.Warn(UnusedCells.Told(plan.Warnings, manifest));
        var dropped = manifest.Notes[DatasetNotes.Dropped]!.AsObject().ToDictionary(reason => reason.Key, reason => reason.Value!.GetValue<long>());
        context.Warn(CleanWarnings.Of(raw, manifest, dropped, await DroppedRows.ReadAsync(storage, manifest, cancel)));
        context.Log($"{manifest.Rows:N0} rows are kept, {dropped.Values.Sum():N0} dropped");
        foreach (var (reason, rows) in dropped.OrderByDescending(reason => reason.Value).Take(MostReasons))
        {
            context.Log($"dropped {rows:N0}: {reason}");
        }
        foreach (var filled in manifest.Notes[DatasetNotes.Imputed]?.AsObject().Select(column => column.Key) ?? [])
        {
            context.Log($"missing values of {filled} are filled");
        }
        // Shortened names may be alike.
        var metrics = dropped.GroupBy(reason => Shorten(reason.Key))
            .ToDictionary(reason => $"dropped: {reason.Key}", reason => (double)reason.Sum(one => one.Value));
        await context.LogMetricsAsync(metrics, cancel);
        return new CleanOutput(
            manifest.Ref, dropped.OrderByDescending(reason => reason.Value).Take(100).ToDictionary(), new StageReport(manifest.Rows, reused));
    }

    private static string Shorten(string reason) => reason.Length <= 120 ? reason : string.Concat(reason.AsSpan(0, 120), "…");
}
