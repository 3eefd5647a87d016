using System.Text.Json.Nodes;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Models;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Clean;

namespace MlOps.Pipeline.Stages.Features;

public sealed record FeaturesInput(string RunId, string DefinitionId, DatasetRef Clean);

public sealed record FeaturesOutput(DatasetRef Features, StageReport Report) : IStageOutput;

/// <summary>Keeps the columns that the model uses and adds the computed ones, with the very functions that serving calls.</summary>
public sealed class FeaturesStage(DatasetStore datasets, DefinitionStore definitions, DuckDb duckDb) : IStage<FeaturesInput, FeaturesOutput>
{
    public static string Name => "features";

    /// <exception cref="InputException">A required feature's input column is missing.</exception>
    public async Task<FeaturesOutput> RunAsync(FeaturesInput input, CancellationToken cancel)
    {
        var definition = await definitions.GetSnapshotAsync(input.DefinitionId, cancel);
        var clean = await datasets.GetAsync(input.Clean.Id, cancel);
        var plan = FeaturePlan.Of(definition, clean.Columns);
        IReadOnlyList<DatasetColumn> kept = [.. plan.Inputs, .. plan.Carried, plan.Target];
        var parameters = new JsonObject
        {
            ["columns"] = new JsonArray([.. kept.Select(column => (JsonNode?)column.Name)]),
            ["derived"] = JsonNode.Parse(Json.Write(plan.Derived)),
            ["format"] = 1,
        };
        var id = DatasetStore.IdOf(Name, [clean.Id], parameters);
        if (await datasets.FindAsync(id, cancel) is { } existing)
        {
            return new FeaturesOutput(existing.Ref, new StageReport(existing.Rows, Reused: true, plan.Warnings));
        }
        var table = await datasets.OpenAsync(clean, cancel);
        var folder = datasets.NewDraftFolder();
        try
        {
            var parts = await Task.Run(() => Write(table, kept, plan.Derived, folder, cancel), cancel);
            var draft = new DatasetManifest
            {
                Id = id,
                Stage = Name,
                Parents = [clean.Id],
                Parameters = parameters,
                Columns = [.. kept, .. plan.Derived.Select(feature => new DatasetColumn(feature.Name, StorageType.Double, ColumnKind.Numeric))],
                Rows = clean.Rows,
                Notes = new JsonObject
                {
                    [FeaturePlan.Note] = JsonNode.Parse(Json.Write(plan)),
                    [TargetColumn.Note] = clean.Notes[TargetColumn.Note]!.DeepClone(),
                    [CleanStage.ImputedNote] = clean.Notes[CleanStage.ImputedNote]!.DeepClone(),
                },
            };
            var manifest = await datasets.CommitAsync(draft, parts, cancel);
            return new FeaturesOutput(manifest.Ref, new StageReport(manifest.Rows, Warnings: plan.Warnings));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private IReadOnlyList<LocalPart> Write(LocalTable clean, IReadOnlyList<DatasetColumn> kept, IReadOnlyList<DerivedFeature> derived, string folder, CancellationToken cancel)
    {
        using var session = duckDb.Open(cancel);
        session.PrepareFor(clean.Manifest.Columns.Count);
        var types = kept.ToDictionary(column => column.Name, column => column.Type, StringComparer.Ordinal);
        var cells = string.Join(", ", kept.Select(column => Sql.Name(column.Name)).Concat(derived.Select(feature => $"{FeatureSql.Of(feature, types)} AS {Sql.Name(feature.Name)}")));
        return [.. clean.Paths.Select((path, i) =>
        {
            var written = Path.Combine(folder, $"{i}.parquet");
            var rows = session.Copy($"SELECT {cells}, {RowHash.ColumnName} FROM read_parquet({Sql.Text(path)})", written);
            return new LocalPart(written, rows);
        })];
    }
}
