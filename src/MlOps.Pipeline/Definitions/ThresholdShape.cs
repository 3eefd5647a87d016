using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions.Shapes;

namespace MlOps.Pipeline.Definitions;

/// <summary>From which probability on a row is positive.</summary>
/// <param name="At">The probability, 0 to 1.</param>
/// <param name="Metric">The metric that is to be largest in place of it; null: <paramref name="At"/> counts.</param>
internal sealed record ThresholdRule(double At, string? Metric = null)
{
    /// <summary>Metrics that the largest and the smallest threshold do not make trivial.</summary>
    public static IReadOnlyList<string> Metrics { get; } = ["f1", "accuracy"];
}

/// <summary>A probability, or the name of a metric.</summary>
internal sealed class ThresholdShape : Shape<ThresholdRule>
{
    private static readonly NumberShape Probability = Shape.Number(0, 1);
    private static readonly TextShape Metric = Shape.Text(among: ThresholdRule.Metrics);

    public override bool TryRead(JsonReader json, string key, [MaybeNullWhen(false)] out ThresholdRule value)
    {
        value = json.Take(key) switch
        {
            null => null,
            { ValueKind: JsonValueKind.String } =>
                Metric.TryRead(json, key, out var metric) ? new ThresholdRule(PipelineDefinition.UsualThreshold, metric) : null,
            _ => Probability.TryRead(json, key, out var at) ? new ThresholdRule(at) : null,
        };
        return value is not null;
    }

    public override JsonNode? Write(ThresholdRule value, Detail detail) =>
        value.Metric is { } metric ? Metric.Write(metric, detail) : Probability.Write(value.At, detail);

    public override JsonObject Describe() => new() { ["anyOf"] = new JsonArray(Probability.Describe(), Metric.Describe()) };
}
