using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>True or false.</summary>
internal sealed class FlagShape : Shape<bool>
{
    public override bool TryRead(JsonReader json, string key, out bool value)
    {
        var read = json.Flag(key);
        value = read ?? false;
        return read is not null;
    }

    public override JsonNode? Write(bool value, Detail detail) => value;

    public override JsonObject Describe() => new() { ["type"] = "boolean" };
}
