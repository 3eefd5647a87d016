extern alias JsonSchemas;

using System.Text.Json;
using System.Text.Json.Nodes;
using JsonSchemas::Json.Schema;

namespace MlOps.Pipeline.Tests.OpenLineage;

/// <summary>The published schemas: of events, and of each facet that has a name.</summary>
internal static class LineageSchemas
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "data", "openlineage");

    private static readonly EvaluationOptions Options = new() { OutputFormat = OutputFormat.List, RequireFormatValidation = true };

    // The others refer to it.
    private static readonly JsonSchema Events = JsonSchema.FromText(File.ReadAllText(Path.Combine(Folder, "OpenLineage.json")));

    private static readonly Dictionary<string, JsonSchema> Facets = Directory.GetFiles(Folder, "*Facet.json")
        .Where(_ => Events is not null)
        .ToDictionary(file => JsonNode.Parse(File.ReadAllText(file))!["$id"]!.ToString(), file => JsonSchema.FromText(File.ReadAllText(file)));

    /// <summary>What is wrong with an event.</summary>
    public static IReadOnlyList<string> ProblemsOf(JsonNode told) =>
        [.. Problems("event", Events, told), .. FacetsIn(told).SelectMany(facet => ProblemsOf(facet.Name, facet.Facet))];

    /// <summary>The names of all facets in an event.</summary>
    public static IEnumerable<string> NamesIn(JsonNode told) => FacetsIn(told).Select(facet => facet.Name);

    private static IEnumerable<string> ProblemsOf(string name, JsonNode facet)
    {
        var id = facet["_schemaURL"]!.ToString().Split('#')[0];
        return Facets.TryGetValue(id, out var schema)
            // A facet's schema is of an object that has it under its name.
            ? Problems(name, schema, new JsonObject { [name] = facet.DeepClone() })
            : [$"{name}: no schema is called {id}"];
    }

    private static IEnumerable<string> Problems(string what, JsonSchema schema, JsonNode given)
    {
        var found = schema.Evaluate(JsonSerializer.SerializeToElement(given), Options);
        return found.IsValid ? [] : [$"{what}: {JsonSerializer.Serialize(found)}"];
    }

    private static IEnumerable<(string Name, JsonNode Facet)> FacetsIn(JsonNode? node) => node switch
    {
        JsonObject json => json.SelectMany(member => member.Key is "facets" or "inputFacets" or "outputFacets"
            ? member.Value!.AsObject().Select(facet => (facet.Key, facet.Value!))
            : FacetsIn(member.Value)),
        JsonArray array => array.SelectMany(FacetsIn),
        _ => [],
    };
}
