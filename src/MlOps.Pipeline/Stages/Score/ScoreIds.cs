using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;

namespace MlOps.Pipeline.Stages.Score;

/// <summary>The dataset version that scoring a raw table with a model version makes.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Parameters">The model version.</param>
/// <param name="Version">The same with its files.</param>
internal sealed record ScoreIds(string Id, JsonObject Parameters, ModelVersion Version)
{
    /// <exception cref="InputException">The model version is not there any more.</exception>
    public static async Task<ScoreIds> OfAsync(ModelRegistry registry, string model, int version, DatasetRef raw, CancellationToken cancel)
    {
        var found = await registry.FindVersionAsync(model, version, cancel) ?? throw new InputException(
            $"Version {version} of model '{model}', with which this run scores, was deleted meanwhile. Start a run that scores with another one.");
        var parameters = new JsonObject { ["model"] = model, ["version"] = version, ["files"] = found.ModelBlobs, ["format"] = 1 };
        return new ScoreIds(DatasetStore.IdOf(ScoreStage.Name, [raw.Id], parameters), parameters, found);
    }
}
