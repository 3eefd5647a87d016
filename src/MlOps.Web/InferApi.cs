using System.Text.Json;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Ingest;

namespace MlOps.Web;

/// <summary>What a definition of an uploaded file would be.</summary>
public static class InferApi
{
    private static readonly Dictionary<string, TaskKind> Tasks = Enum.GetValues<TaskKind>().ToDictionary(task => task.ToString().ToLowerInvariant());

    public static async Task<IResult> PostAsync(
        string model, HttpRequest request, DefinitionInference inference, RunSources sources, InputLimits limits, CancellationToken cancel)
    {
        var wish = await JsonBody.ReadAsync(
            request, limits, body => new InferRequest(body.Text("source"), body.Text("target"), body.Choice("task", Tasks), ReadIgnored(body)), cancel);
        return TypedResults.Ok(await InferView.OfAsync(model, wish ?? new InferRequest(null, null, null, null), inference, sources, cancel));
    }

    private static List<string>? ReadIgnored(JsonReader body)
    {
        var items = body.Items("ignore");
        foreach (var (_, place) in (items ?? []).Select((item, place) => (item, place)).Where(one => one.item.ValueKind != JsonValueKind.String))
        {
            body.Problem($"ignore[{place}]", "must be a column's name.");
        }
        return items?.Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()! : "").ToList();
    }
}
