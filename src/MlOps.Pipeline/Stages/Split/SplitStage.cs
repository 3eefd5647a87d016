using System.Globalization;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Split;

public sealed record SplitInput(DatasetRef Features);

/// <param name="Train">Rows that models are fitted on.</param>
/// <param name="Validation">Rows that choose among them.</param>
/// <param name="Report">The stage's account.</param>
/// <param name="Test">Rows that choose nothing; null: there are none.</param>
public sealed record SplitOutput(DatasetRef Train, DatasetRef Validation, StageReport Report, DatasetRef? Test = null) : IStageOutput
{
    IEnumerable<(string Stage, DatasetRef Version)> IStageOutput.Versions =>
        [("train", Train), ("validation", Validation), .. Test is null ? Array.Empty<(string, DatasetRef)>() : [("test", Test)]];
}

/// <summary>
/// Divides the rows into train, validation and, where declared, test. All versions are selections of the features table: no row is copied, and which side a row
/// is on follows from the row and the seed.
/// </summary>
public sealed class SplitStage(DatasetStore datasets, DuckDb duckDb) : IStage<SplitInput, SplitOutput>
{
    /// <summary>Fewer validation rows are told of.</summary>
    private const int FewestRows = 30;

    /// <summary>With one class on a side there is nothing to learn, or to measure.</summary>
    private const int FewestClasses = 2;

    /// <summary>The note of a side that names the classes without rows on it.</summary>
    private const string AbsentNote = "absentClasses";

    /// <summary>The note of a numeric target's few different values.</summary>
    private const string WholeValuesNote = "wholeValues";

    private const int MostWholeValues = 20;

    private const int RowsPerValue = 10;

    public static string Name => "split";

    /// <exception cref="InputException">A side has no rows, or none of a class.</exception>
    public async Task<SplitOutput> RunAsync(StageContext context, SplitInput input, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var features = await datasets.GetAsync(input.Features.Id, cancel);
        var wanted = definition.Split.For(features.Rows, definition.Train);
        var rules = (JsonObject)JsonNode.Parse(Json.Write(wanted))!;
        if (definition.Train.Sample is { } sample)
        {
            rules["sample"] = sample;
        }
        var sides = wanted.Test is null ? new[] { SplitSide.Train, SplitSide.Validation } : Enum.GetValues<SplitSide>();
        var ids = sides.ToDictionary(side => side, side => DatasetStore.IdOf(
            Name, [features.Id], new JsonObject { ["split"] = rules.DeepClone(), ["side"] = side.ToString(), ["format"] = 2 }));
        var found = await Task.WhenAll(sides.Select(side => datasets.ReuseAsync(ids[side], cancel)));
        var reused = found.All(manifest => manifest is not null);
        if (!reused)
        {
            var table = await datasets.OpenAsync(features, cancel);
            var (selections, counts, wholeValues, sampledFrom) = await Task.Run(() => Divide(table, definition, wanted, cancel), cancel);
            for (var i = 0; i < selections.Count; i++)
            {
                var side = Select(features, selections[i], ids, counts[i].Rows, rules);
                if (counts[i].Absent is { Count: > 0 } absent)
                {
                    side.Notes[AbsentNote] = new JsonArray([.. absent.Select(name => (JsonNode?)name)]);
                }
                if (wholeValues is { } few)
                {
                    side.Notes[WholeValuesNote] = few;
                }
                if (sampledFrom is { } all && sides[i] == SplitSide.Train)
                {
                    side.Notes[DatasetNotes.SampledFrom] = all;
                }
                found[i] = await datasets.CommitAsync(side, [], cancel);
            }
        }
        var by = await SplitFacts.OfAsync(datasets, features, found[0]!, definition.Split, cancel);
        await context.LogParamsAsync(by, cancel);
        context.Log($"{string.Join("; ", by.Select(fact => $"{fact.Key}: {fact.Value}"))}");
        context.Log($"{string.Join(", ", found.OfType<DatasetManifest>().Select(
            rows => FormattableString.Invariant($"{rows.Selection!.Side}: {rows.Rows:N0} rows")))}");
        Tell(context, found[1]!.Rows);
        TellAbsent(context, found[0]!, "which are never predicted");
        TellAbsent(context, found[1]!, "which are not measured");
        TellFew(context, definition, found[1]!);
        await TellCellsAsync(context, definition, found[0]!, cancel);
        return new SplitOutput(found[0]!.Ref, found[1]!.Ref, new StageReport(features.Rows, reused), found.ElementAtOrDefault(2)?.Ref);
    }

    private static void Tell(StageContext context, long validation)
    {
        if (validation < FewestRows)
        {
            context.Warn(new Warning(
                WarningCodes.FewRows,
                $"Only {(validation == 1 ? "1 row validates" : $"{validation} rows validate")}: metrics of fewer than {FewestRows} rows say little. "
                    + "Give more rows, or raise split.validation.")
            {
                Count = validation,
                Headline = true,
            });
        }
    }

    /// <summary>What the model takes otherwise than people may. Once for all candidates, which see the same training rows.</summary>
    private async Task TellCellsAsync(StageContext context, PipelineDefinition definition, DatasetManifest side, CancellationToken cancel)
    {
        var train = await datasets.OpenAsync(side, cancel);
        using var session = duckDb.Open(side.Columns.Count, cancel);
        var (folded, alike, placeholders) = await Task.Run(
            () => (FoldedCategories.Find(session, train, definition.Features.MaxCategories), AlikeCategories.Find(session, train),
                PlaceholderNumbers.Find(session, train)),
            cancel);
        if (folded.Count + alike.Count + placeholders.Count > 0)
        {
            var raw = await Ancestors.FindAsync(datasets, side, RowLines.AreKnown, cancel);
            var file = raw is null ? null : await datasets.OpenAsync(raw, cancel);
            context.Warn(await Task.Run(
                () => (IReadOnlyList<Warning>)
                [
                    .. placeholders.Select(column => column.Tell(session, train, file)), .. alike.Select(column => column.Tell(session, train, file)),
                    .. folded.Select(column => column.Tell(session, train, file)),
                ],
                cancel));
        }
    }

    /// <summary>Numbers of a few kinds may be names: ratings are amounts, codes of districts are not, and only the user knows.</summary>
    private static void TellFew(StageContext context, PipelineDefinition definition, DatasetManifest side)
    {
        if (definition.Task is null && side.Notes[WholeValuesNote]?.GetValue<int>() is { } values)
        {
            context.Warn(new Warning(
                WarningCodes.FewTargetValues,
                $"The target '{definition.Target}' has only {values} different values, all whole numbers, and is learnt as an amount "
                + "(regression). If they are names of classes, set \"task\": \"multiclass\"; else set \"task\": \"regression\" to hear no more of this.")
            {
                Count = values,
                Headline = true,
            });
        }
    }

    private static void TellAbsent(StageContext context, DatasetManifest side, string consequence)
    {
        const int MostShown = 5;
        if (side.Notes[AbsentNote]?.AsArray() is { Count: > 0 } absent)
        {
            var named = string.Join(", ", absent.Take(MostShown).Select(name => $"'{name}'")) + (absent.Count > MostShown ? ", …" : "");
            context.Warn(new Warning(
                WarningCodes.AbsentClasses,
                $"Classes without {Name(side.Selection!)} rows, {consequence}: {named}. Give more rows of them, or join rare values.")
            {
                Count = absent.Count,
                Headline = true,
            });
        }

        static string Name(RowSelection selection) => selection.Side == SplitSide.Train ? "training" : "validation";
    }

    /// <summary>Each side with its number of rows, and the classes that have none on it; the training rows that a sample was taken from.</summary>
    private (IReadOnlyList<RowSelection> Sides, IReadOnlyList<(long Rows, IReadOnlyList<string> Absent)> Counts, int? WholeValues, long? SampledFrom) Divide(
        LocalTable features, PipelineDefinition definition, SplitRules wanted, CancellationToken cancel)
    {
        using var session = duckDb.Open(features.Manifest.Columns.Count, cancel);
        var (split, sampledFrom) = Sample(RowSplit.Of(wanted, session, features), definition.Train, session, features);
        IReadOnlyList<RowSelection> sides = split.Test is { } test ? [split.Train, split.Validation, test] : [split.Train, split.Validation];
        var target = TargetColumn.Of(features.Manifest);
        var label = target.Task == TaskKind.Regression
            ? "NULL::VARCHAR"
            : TargetColumn.TextSql(features.Manifest.Columns.Single(column => column.Name == target.Name));
        var side = string.Join(" ", sides.Select((selection, i) => $"WHEN {selection.ToSql()} THEN {i}"));
        var rows = session.Rows($"SELECT CASE {side} END::INTEGER, {label}, count(*) FROM {features.ToSql()} GROUP BY 1, 2")
            .Where(row => row[0] is not null)
            .ToLookup(row => (int)row[0]!, row => (Class: row[1] as string, Rows: Convert.ToInt64(row[2], CultureInfo.InvariantCulture)));
        IReadOnlyList<string> classes = target.Classes ?? (target.Task == TaskKind.Binary ? [target.Positive!, target.Negative!] : []);
        IReadOnlyList<(long Rows, IReadOnlyList<string> Absent)> counts =
        [
            .. sides.Select((_, i) => (rows[i].Sum(row => row.Rows), (IReadOnlyList<string>)[.. classes.Except(rows[i].Select(row => row.Class!))])),
        ];
        if (wanted.Test is not null && definition.Split.Test is null && counts.Any(side => side.Rows == 0 || IsShort(side.Absent)))
        {
            // Nobody asked for test rows: few groups, or a class of a row or two, are no reason to end the run.
            return Divide(features, definition, wanted with { Test = null }, cancel);
        }
        foreach (var (name, count, absent) in sides.Zip(counts, (side, count) => (side.Side.ToString().ToLowerInvariant(), count.Rows, count.Absent)))
        {
            if (count == 0)
            {
                throw new InputException($"The split leaves no {name} rows out of {features.Manifest.Rows}. Give more rows, or change split.validation, "
                    + $"{(sides.Count > 2 ? "test, " : "")}seed, time or group.");
            }
            if (IsShort(absent))
            {
                throw new InputException($"The split leaves no {name} rows with {target.Name} = '{absent[0]}'. Give more such rows, or change "
                    + "split.validation or split.seed.");
            }
        }
        return (sides, counts, target.Task == TaskKind.Regression ? WholeValues(session, features, target.Name) : null, sampledFrom);

        bool IsShort(IReadOnlyList<string> absent) =>
            absent.Count > 0 && (target.Task == TaskKind.Binary || absent.Count > classes.Count - FewestClasses);
    }

    /// <summary>The split whose training rows are the declared sample of them, with the number of all; null: nothing is left out.</summary>
    private static (RowSplit Split, long? SampledFrom) Sample(RowSplit split, TrainRules rules, DuckDbSession session, LocalTable features)
    {
        if (rules.Sample is null)
        {
            return (split, null);
        }
        var rows = Convert.ToInt64(session.Scalar($"SELECT count(*) FROM {features.ToSql()} WHERE {split.Train.ToSql()}"), CultureInfo.InvariantCulture);
        return rules.SampleOf(rows) is { } share ? (split.WithSample(share), rows) : (split, null);
    }

    /// <summary>How many different values a numeric target has, where they are few and all whole numbers; else null.</summary>
    private static int? WholeValues(DuckDbSession session, LocalTable features, string target)
    {
        var name = Sql.Name(target);
        var row = session.Rows($"SELECT count(*), coalesce(bool_and(value = trunc(value)), false) FROM (SELECT DISTINCT TRY_CAST({name} AS DOUBLE) AS value "
            + $"FROM {features.ToSql()} WHERE {name} IS NOT NULL LIMIT {MostWholeValues + 1})")[0];
        var values = Convert.ToInt32(row[0], CultureInfo.InvariantCulture);
        return values is > FewestClasses and <= MostWholeValues && (bool)row[1]! && features.Manifest.Rows >= values * RowsPerValue ? values : null;
    }

    private static DatasetManifest Select(DatasetManifest features, RowSelection selection, Dictionary<SplitSide, string> ids, long rows, JsonNode rules) =>
        new()
        {
            Id = ids[selection.Side],
            Stage = Name,
            Parents = [features.Id],
            Parameters = new JsonObject { ["split"] = rules.DeepClone(), ["side"] = selection.Side.ToString() },
            Columns = features.Columns,
            Selection = selection,
            Rows = rows,
            Notes = (JsonObject)features.Notes.DeepClone(),
        };
}
