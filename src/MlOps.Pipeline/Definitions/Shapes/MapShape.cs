using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>An object whose keys are data; written in the order of its keys.</summary>
internal sealed class MapShape<T>(Shape<T> shape) : Shape<IReadOnlyDictionary<string, T>>
{
    public override bool TryRead(JsonReader json, string key, [MaybeNullWhen(false)] out IReadOnlyDictionary<string, T> value)
    {
        value = json.Object(key, Read);
        return value is not null;
    }

    public override JsonNode? Write(IReadOnlyDictionary<string, T> value, Detail detail) => new JsonObject(
        value.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => KeyValuePair.Create(entry.Key, shape.Write(entry.Value, detail))));

    public override JsonObject Describe() => new() { ["type"] = "object", ["additionalProperties"] = shape.Describe() };

    private Dictionary<string, T> Read(JsonReader json)
    {
        var read = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var (key, _) in json.TakeAll())
        {
            if (shape.TryRead(json, key, out var value))
            {
                read.Add(key, value);
            }
        }
        return read;
    }
}
