using System.Globalization;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>A time span as text, <c>d.hh:mm:ss</c>.</summary>
/// <param name="least">The shortest.</param>
/// <param name="most">The longest.</param>
/// <param name="wanted">What it must be, for the problem.</param>
internal sealed class SpanShape(TimeSpan least, TimeSpan most, string wanted) : Shape<TimeSpan>
{
    /// <summary>What is read as a time span: days alone, or days, hours, minutes, seconds and fractions, of which hours and minutes must stand.</summary>
    private const string Pattern = @"^([0-9]+|([0-9]+[.:])?([01]?[0-9]|2[0-3]):[0-5]?[0-9](:[0-5]?[0-9](\.[0-9]{1,7})?)?)$";

    public override bool TryRead(JsonReader json, string key, out TimeSpan value)
    {
        var read = json.Span(key, span => span >= least && span <= most, wanted);
        value = read ?? default;
        return read is not null;
    }

    public override JsonNode? Write(TimeSpan value, Detail detail) => value.ToString("c", CultureInfo.InvariantCulture);

    public override JsonObject Describe() => new() { ["type"] = "string", ["pattern"] = Pattern, ["examples"] = new JsonArray("02:00:00", "1.00:00:00") };
}
