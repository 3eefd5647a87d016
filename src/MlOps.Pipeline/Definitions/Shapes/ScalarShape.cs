using System.Text.Json;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>A cell of a table: a text, or a number or flag that is kept as the text it was written with.</summary>
internal sealed class ScalarShape : Shape<string>
{
    public override bool TryRead(JsonReader json, string key, out string value)
    {
        value = "";
        if (json.Take(key) is not { } cell)
        {
            return false;
        }
        if (cell.ValueKind is not (JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False))
        {
            json.Problem(key, "must be a text, a number, true or false.");
            return false;
        }
        value = cell.ValueKind == JsonValueKind.String ? cell.GetString()! : cell.GetRawText();
        return true;
    }

    public override JsonNode? Write(string value, Detail detail) => value;

    public override JsonObject Describe() => new() { ["type"] = new JsonArray("string", "number", "boolean") };
}
