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

    public static string Name => "split";

    /// <exception cref="InputException">A side has no rows, or none of a class.</exception>
    public async Task<SplitOutput> RunAsync(StageContext context, SplitInput input, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var features = await datasets.GetAsync(input.Features.Id, cancel);
        var rules = JsonNode.Parse(Json.Write(definition.Split))!;
        var sides = definition.Split.Test is null ? new[] { SplitSide.Train, SplitSide.Validation } : Enum.GetValues<SplitSide>();
        var ids = sides.ToDictionary(side => side, side => DatasetStore.IdOf(
            Name, [features.Id], new JsonObject { ["split"] = rules.DeepClone(), ["side"] = side.ToString(), ["format"] = 2 }));
        var found = await Task.WhenAll(sides.Select(side => datasets.ReuseAsync(ids[side], cancel)));
        var reused = found.All(manifest => manifest is not null);
        if (!reused)
        {
            var table = await datasets.OpenAsync(features, cancel);
            var (selections, counts) = await Task.Run(() => Divide(table, definition.Split, cancel), cancel);
            for (var i = 0; i < sides.Length; i++)
            {
                found[i] = await datasets.CommitAsync(Select(features, selections[i], ids, counts[i], rules), [], cancel);
            }
        }
        Tell(context, found[1]!.Rows);
        return new SplitOutput(found[0]!.Ref, found[1]!.Ref, new StageReport(features.Rows, reused), found.ElementAtOrDefault(2)?.Ref);
    }

    private static void Tell(StageContext context, long validation)
    {
        if (validation < FewestRows)
        {
            context.Warn(new Warning($"Only {validation} rows validate: metrics of fewer than {FewestRows} rows say little. Give more rows, or raise "
                + "split.validation.")
            {
                Count = validation,
                Headline = true,
            });
        }
    }

    /// <summary>Each side with its number of rows.</summary>
    private (IReadOnlyList<RowSelection> Sides, IReadOnlyList<long> Rows) Divide(LocalTable features, SplitRules rules, CancellationToken cancel)
    {
        using var session = duckDb.Open(features.Manifest.Columns.Count, cancel);
        var split = RowSplit.Of(rules, session, features);
        IReadOnlyList<RowSelection> sides = split.Test is { } test ? [split.Train, split.Validation, test] : [split.Train, split.Validation];
        var target = TargetColumn.Of(features.Manifest);
        var positive = target.Positive is null
            ? "NULL"
            : $"{TargetColumn.TextSql(features.Manifest.Columns.Single(column => column.Name == target.Name))} = {Sql.Text(target.Positive)}";
        var side = string.Join(" ", sides.Select((selection, i) => $"WHEN {selection.ToSql()} THEN {i}"));
        var rows = session.Rows($"SELECT CASE {side} END::INTEGER, count(*), count_if({positive}) FROM {features.ToSql()} GROUP BY 1")
            .ToDictionary(row => (int)row[0]!, row => (Rows: Long(row[1]), Positives: Long(row[2])));
        for (var i = 0; i < sides.Count; i++)
        {
            var (count, positives) = rows.GetValueOrDefault(i);
            var name = sides[i].Side.ToString().ToLowerInvariant();
            if (count == 0)
            {
                throw new InputException($"The split leaves no {name} rows out of {features.Manifest.Rows}. Give more rows, or change split.validation, "
                    + $"{(sides.Count > 2 ? "test, " : "")}seed, time or group.");
            }
            if (target.Task == TaskKind.Binary && (positives == 0 || positives == count))
            {
                var absent = positives == 0 ? target.Positive : target.Negative;
                throw new InputException(
                    $"The split leaves no {name} rows with {target.Name} = '{absent}'. Give more such rows, or change split.validation or split.seed.");
            }
        }
        return (sides, [.. Enumerable.Range(0, sides.Count).Select(i => rows[i].Rows)]);

        // DuckDB counts a condition in 128 bits.
        static long Long(object? value) =>
            value is System.Numerics.BigInteger wide ? (long)wide : Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture);
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
