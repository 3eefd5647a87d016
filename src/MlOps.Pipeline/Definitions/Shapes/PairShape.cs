using System.Text.Json;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>Two names of columns.</summary>
internal sealed class PairShape : Shape<IReadOnlyList<string>>
{
    public override bool TryRead(JsonReader json, string key, out IReadOnlyList<string> value)
    {
        value = [];
        if (json.Take(key) is not { } given)
        {
            return false;
        }
        if (given.ValueKind != JsonValueKind.Array || given.GetArrayLength() != 2 || given.EnumerateArray().Any(name => name.ValueKind != JsonValueKind.String))
        {
            json.Problem(key, "must be an array of two column names.");
            return false;
        }
        value = [.. given.EnumerateArray().Select(name => name.GetString()!)];
        return true;
    }

    public override JsonNode? Write(IReadOnlyList<string> value, Detail detail) => new JsonArray([.. value]);

    public override JsonObject Describe() =>
        new() { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string" }, ["minItems"] = 2, ["maxItems"] = 2 };
}
