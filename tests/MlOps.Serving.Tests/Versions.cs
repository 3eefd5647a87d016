using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;

namespace MlOps.Serving.Tests;

/// <summary>Registers versions without training.</summary>
internal static class Versions
{
    public static Task<ModelVersion> AddVersionAsync(this ModelRegistry registry, string model, TaskKind task = TaskKind.Regression) => registry.RegisterAsync(
        new ModelVersion
        {
            Model = model,
            RunId = $"{model}-20260101000000000-{Random.Shared.Next(1 << 24):x6}",
            DefinitionId = $"{model}/0000",
            Task = task,
            Candidate = "0-lightgbm",
            ModelBlobs = $"models/{model}/{Guid.NewGuid():N}",
            Metrics = new Dictionary<string, double> { ["val_rmse"] = 1.5 },
            Lineage = new ModelLineage("r", "c", "f", "t", "v"),
        },
        CancellationToken.None);

    /// <summary>A version with what says which columns it reads; <c>a</c> and <c>b</c> when not said.</summary>
    public static async Task<ModelVersion> AddVersionAsync(this ModelRegistry registry, PipelineStorage storage, string model, params string[] columns)
    {
        var version = await registry.AddVersionAsync(model);
        var inputs = (columns.Length == 0 ? ["a", "b"] : columns).Select(name => new SignatureColumn(name, ColumnKind.Numeric)).ToList();
        await storage.Artifacts.UploadBlobAsync(
            $"{version.ModelBlobs}/signature.json",
            BinaryData.FromString(Json.Write(new Signature(inputs, inputs, new SignatureColumn("y", ColumnKind.Numeric)))));
        return version;
    }

    public static async Task<ModelVersion> AddProductionAsync(this ModelRegistry registry, string model, TaskKind task = TaskKind.Regression)
    {
        var version = await registry.AddVersionAsync(model, task);
        await registry.SetAliasAsync(model, ModelAlias.Production, version.Version, "test", CancellationToken.None);
        return version;
    }
}
