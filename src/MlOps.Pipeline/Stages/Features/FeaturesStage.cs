using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Features;

public sealed record FeaturesInput(DatasetRef Clean);

public sealed record FeaturesOutput(DatasetRef Features, StageReport Report) : IStageOutput
{
    IEnumerable<(string Stage, DatasetRef Version)> IStageOutput.Versions => [("features", Features)];
}

/// <summary>
/// Keeps the columns that the model uses and adds the computed ones, with the very functions that serving calls. The version is a view of
/// the cleaned table: computing a feature while reading is cheaper than storing it.
/// </summary>
public sealed class FeaturesStage(DatasetStore datasets, FeatureFunctions functions) : IStage<FeaturesInput, FeaturesOutput>
{
    public static string Name => "features";

    /// <exception cref="InputException">A required feature's input column is missing, or this host does not have a feature's function.</exception>
    public async Task<FeaturesOutput> RunAsync(StageContext context, FeaturesInput input, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var clean = await datasets.GetAsync(input.Clean.Id, cancel);
        var plan = FeaturePlan.Of(definition, clean.Columns).With(functions);
        context.Warn(UnusedCells.Told(plan.Warnings, clean));
        context.Log($"target {plan.Target.Name}; {plan.Inputs.Count} columns and {plan.Derived.Count} computed features: {Named(plan)}");
        IReadOnlyList<DatasetColumn> kept = [.. plan.Inputs, .. plan.Carried, plan.Target];
        var parameters = new JsonObject
        {
            ["columns"] = new JsonArray([.. kept.Select(column => (JsonNode?)column.Name)]),
            ["derived"] = JsonNode.Parse(Json.Write(plan.Derived)),
            ["format"] = 1,
        };
        var id = DatasetStore.IdOf(Name, [clean.Id], parameters);
        if (await datasets.ReuseAsync(id, cancel) is { } existing)
        {
            return new FeaturesOutput(existing.Ref, new StageReport(existing.Rows, Reused: true));
        }
        var types = clean.Columns.ToDictionary(column => column.Name, column => column.Type, StringComparer.Ordinal);
        var draft = new DatasetManifest
        {
            Id = id,
            Stage = Name,
            Parents = [clean.Id],
            Parameters = parameters,
            Columns = [.. kept, .. plan.Derived.Select(feature => new DatasetColumn(feature.Name, StorageType.Double, ColumnKind.Numeric))],
            Projection =
            [
                .. kept.Select(column => new ColumnExpression(column.Name, Sql.Name(column.Name))),
                .. plan.Derived.Select(feature => new ColumnExpression(feature.Name, FeatureSql.Of(feature, types))),
            ],
            Rows = clean.Rows,
            Notes = new JsonObject
            {
                [FeaturePlan.Note] = JsonNode.Parse(Json.Write(plan)),
                [TargetColumn.Note] = clean.Notes[TargetColumn.Note]!.DeepClone(),
                [DatasetNotes.Imputed] = clean.Notes[DatasetNotes.Imputed]!.DeepClone(),
                [DatasetNotes.TellingGaps] = clean.Notes[DatasetNotes.TellingGaps]?.DeepClone() ?? new JsonArray(),
            },
        };
        var manifest = await datasets.CommitAsync(draft, [], cancel);
        return new FeaturesOutput(manifest.Ref, new StageReport(manifest.Rows));
    }

    private static string Named(FeaturePlan plan)
    {
        const int MostNamed = 50;
        var names = plan.Inputs.Select(column => column.Name).Concat(plan.Derived.Select(feature => feature.Name)).ToList();
        return string.Join(", ", names.Take(MostNamed)) + (names.Count > MostNamed ? ", …" : "");
    }
}
