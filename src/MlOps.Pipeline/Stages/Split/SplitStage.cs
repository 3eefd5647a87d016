using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Split;

public sealed record SplitInput(DatasetRef Features);

public sealed record SplitOutput(DatasetRef Train, DatasetRef Validation, StageReport Report) : IStageOutput;

/// <summary>
/// Divides the rows into train and validation. Both versions are selections of the features table: no row is copied, and which side a row
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
        var ids = new[] { SplitSide.Train, SplitSide.Validation }.ToDictionary(side => side, side => DatasetStore.IdOf(
            Name, [features.Id], new JsonObject { ["split"] = rules.DeepClone(), ["side"] = side.ToString(), ["format"] = 2 }));
        var train = await datasets.FindAsync(ids[SplitSide.Train], cancel);
        var validation = await datasets.FindAsync(ids[SplitSide.Validation], cancel);
        if (train is not null && validation is not null)
        {
            Tell(context, validation.Rows);
            return new SplitOutput(train.Ref, validation.Ref, new StageReport(features.Rows, Reused: true));
        }
        var table = await datasets.OpenAsync(features, cancel);
        var (split, counts) = await Task.Run(() => Divide(table, definition.Split, cancel), cancel);
        train = await datasets.CommitAsync(Select(features, split.Train, ids, counts.Train, rules), [], cancel);
        validation = await datasets.CommitAsync(Select(features, split.Validation, ids, counts.Validation, rules), [], cancel);
        Tell(context, validation.Rows);
        return new SplitOutput(train.Ref, validation.Ref, new StageReport(features.Rows));
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

    private (RowSplit Split, (long Train, long Validation) Counts) Divide(LocalTable features, SplitRules rules, CancellationToken cancel)
    {
        using var session = duckDb.Open(features.Manifest.Columns.Count, cancel);
        var split = RowSplit.Of(rules, session, features);
        var target = TargetColumn.Of(features.Manifest);
        var positive = target.Positive is null
            ? "NULL"
            : $"{TargetColumn.TextSql(features.Manifest.Columns.Single(column => column.Name == target.Name))} = {Sql.Text(target.Positive)}";
        var rows = session.Rows($"SELECT {split.Validation.ToSql()} , count(*), count_if({positive}) FROM {features.ToSql()} GROUP BY 1")
            .ToDictionary(row => (bool)row[0]!, row => (Rows: Long(row[1]), Positives: Long(row[2])));
        foreach (var (validates, side) in new[] { (false, "train"), (true, "validation") })
        {
            var (count, positives) = rows.GetValueOrDefault(validates);
            if (count == 0)
            {
                throw new InputException(
                    $"The split leaves no {side} rows out of {features.Manifest.Rows}. Give more rows, or change split.validation, seed, time or group.");
            }
            if (target.Task == TaskKind.Binary && (positives == 0 || positives == count))
            {
                var absent = positives == 0 ? target.Positive : target.Negative;
                throw new InputException(
                    $"The split leaves no {side} rows with {target.Name} = '{absent}'. Give more such rows, or change split.validation or split.seed.");
            }
        }
        return (split, (rows[false].Rows, rows[true].Rows));
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
