using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>A number within a range, whose ends belong to it unless they are open.</summary>
internal sealed class NumberShape(double min, double max, bool openMin, bool openMax) : Shape<double>
{
    public override bool TryRead(JsonReader json, string key, out double value)
    {
        var read = json.Number(key, min, max, openMin, openMax);
        value = read ?? 0;
        return read is not null;
    }

    public override JsonNode? Write(double value, Detail detail) => value;

    public override JsonObject Describe()
    {
        var schema = new JsonObject { ["type"] = "number" };
        if (double.IsFinite(min))
        {
            schema[openMin ? "exclusiveMinimum" : "minimum"] = min;
        }
        if (double.IsFinite(max))
        {
            schema[openMax ? "exclusiveMaximum" : "maximum"] = max;
        }
        return schema;
    }
}
