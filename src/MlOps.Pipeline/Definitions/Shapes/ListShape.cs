using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>A list. How many elements it may have is for editors; the rules of the definition as a whole judge it.</summary>
internal sealed class ListShape<T>(Shape<T> item, int fewest, int most) : Shape<IReadOnlyList<T>>
{
    public override bool TryRead(JsonReader json, string key, out IReadOnlyList<T> value)
    {
        var elements = json.Elements(key);
        value = elements is null ? [] : [.. Read(elements)];
        return elements is not null;
    }

    public override JsonNode? Write(IReadOnlyList<T> value, Detail detail) => new JsonArray([.. value.Select(element => item.Write(element, detail))]);

    public override JsonObject Describe()
    {
        var schema = new JsonObject { ["type"] = "array", ["items"] = item.Describe() };
        if (fewest > 0)
        {
            schema["minItems"] = fewest;
        }
        if (most < int.MaxValue)
        {
            schema["maxItems"] = most;
        }
        return schema;
    }

    private IEnumerable<T> Read(JsonReader elements)
    {
        foreach (var (place, _) in elements.TakeAll())
        {
            if (item.TryRead(elements, place, out var value))
            {
                yield return value;
            }
        }
    }
}
