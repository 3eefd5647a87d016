using System.Text.Json;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>A cell of a table: a text, or a number or flag that is kept as the text it was written with.</summary>
internal sealed class ScalarShape : Shape<string>
{
    public override bool TryRead(JsonReader json, string key, out string value)
    {
        var given = json.Take(key);
        value = given is not { } cell ? "" : cell.ValueKind == JsonValueKind.String ? cell.GetString()! : cell.GetRawText();
        return given is not null;
    }

    public override JsonNode? Write(string value, Detail detail) => value;

    public override JsonObject Describe() => new() { ["type"] = new JsonArray("string", "number", "boolean") };
}
