using System.Numerics;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>A whole number within a range, both ends included.</summary>
internal sealed class WholeShape<T>(T min, T max) : Shape<T>
    where T : struct, IBinaryInteger<T>
{
    private readonly long min = long.CreateChecked(min);
    private readonly long max = long.CreateChecked(max);

    public override bool TryRead(JsonReader json, string key, out T value)
    {
        var read = json.Integer(key, min, max);
        value = T.CreateChecked(read ?? 0);
        return read is not null;
    }

    public override JsonNode? Write(T value, Detail detail) => long.CreateChecked(value);

    public override JsonObject Describe()
    {
        var schema = new JsonObject { ["type"] = "integer", ["minimum"] = min };
        if (max < long.MaxValue)
        {
            schema["maximum"] = max;
        }
        return schema;
    }
}
