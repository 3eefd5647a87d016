using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>One of several names.</summary>
internal sealed class ChoiceShape<T>(IReadOnlyDictionary<string, T> names) : Shape<T>
    where T : struct, Enum
{
    public override bool TryRead(JsonReader json, string key, out T value)
    {
        var read = json.Choice(key, names);
        value = read ?? default;
        return read is not null;
    }

    public override JsonNode? Write(T value, Detail detail) => names.First(name => name.Value.Equals(value)).Key;

    public override JsonObject Describe() => new() { ["enum"] = new JsonArray([.. names.Keys]) };
}
