using System.Globalization;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Tests.Definitions;

/// <summary>A key that a definition may have, as the schema tells it, with values to try on it.</summary>
/// <param name="Path">The keys that lead to it; an element of a list is <c>0</c>.</param>
/// <param name="Schema">What the schema says of it.</param>
internal sealed record DefinitionPart(IReadOnlyList<string> Path, JsonObject Schema)
{
    private string? Type => Schema["type"] is JsonValue type ? (string?)type : null;

    /// <summary>Values, as JSON, that the key must not have.</summary>
    public IEnumerable<string> Wrong => [.. WrongTypes, .. Beyond];

    /// <summary>The ends of the key's range that belong to it.</summary>
    public IEnumerable<string> Ends => new[] { Schema["minimum"], Schema["maximum"] }.OfType<JsonNode>().Select(end => end.ToJsonString());

    private IEnumerable<string> WrongTypes => Type switch
    {
        "number" or "integer" => ["\"1\"", "true"],
        "boolean" => ["\"yes\"", "1"],
        "string" => ["1", "{}"],
        "array" => ["{}", "\"a\""],
        "object" when Schema["additionalProperties"] is JsonObject => ["[]", "1"],
        "object" => ["[]", "\"a\"", """{ "nobodyKnowsThis": 1 }"""],
        _ => Schema["enum"] is null ? [] : ["\"nobodyKnowsThis\"", "1"],
    };

    private IEnumerable<string> Beyond =>
    [
        .. Numbers("exclusiveMinimum", end => end),
        .. Numbers("exclusiveMaximum", end => end),
        .. Numbers("minimum", end => end - 1),
        .. Numbers("maximum", end => end + 1),
    ];

    public bool IsWithin(string key) => Path.Count > 1 && Path[0] == key;

    /// <summary>A definition that is whole but for this key's value.</summary>
    public string Place(string value)
    {
        var root = new JsonObject { ["model"] = "m", ["target"] = "y" };
        JsonNode place = root;
        foreach (var (key, next) in Path.Zip(Path.Skip(1)))
        {
            JsonNode child = next == "0" ? new JsonArray(new JsonObject { ["trainer"] = "lightgbm" }) : place is JsonArray ? place[0]! : new JsonObject();
            if (place is JsonObject parent)
            {
                parent[key] = child;
            }
            place = child;
        }
        place[Path[^1]] = JsonNode.Parse(value);
        return root.ToJsonString();
    }

    /// <summary>The key's value in a definition.</summary>
    public JsonNode? Of(JsonNode definition) => Path.Aggregate((JsonNode?)definition, (node, key) => node is JsonArray list ? list[0] : node?[key]);

    public override string ToString() => string.Join('.', Path);

    private IEnumerable<string> Numbers(string bound, Func<double, double> beyond) =>
        Schema[bound] is { } end ? [beyond(end.GetValue<double>()).ToString("R", CultureInfo.InvariantCulture)] : [];
}

/// <summary>All keys of the schema, at any depth.</summary>
internal static class DefinitionParts
{
    public static IReadOnlyList<DefinitionPart> All { get; } = [.. Within([], JsonNode.Parse(DefinitionSchema.Write())!.AsObject())];

    private static IEnumerable<DefinitionPart> Within(IReadOnlyList<string> path, JsonObject schema)
    {
        foreach (var (name, node) in schema["properties"] as JsonObject ?? [])
        {
            var key = node!.AsObject();
            IReadOnlyList<string> at = [.. path, name];
            yield return new DefinitionPart(at, key);
            foreach (var part in Within(at, key))
            {
                yield return part;
            }
        }
        IEnumerable<(string Step, JsonNode? Schema)> further = [("0", schema["items"]), ("a", schema["additionalProperties"])];
        foreach (var part in further.Where(step => step.Schema is JsonObject).SelectMany(step => Within([.. path, step.Step], step.Schema!.AsObject())))
        {
            yield return part;
        }
        foreach (var part in (schema["anyOf"] as JsonArray ?? []).SelectMany(form => Within(path, form!.AsObject())))
        {
            yield return part;
        }
    }
}
