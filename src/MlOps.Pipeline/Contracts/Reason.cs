using System.Text.Json;
using System.Text.Json.Serialization;

namespace MlOps.Pipeline.Contracts;

/// <summary>What must hold before a version goes into production.</summary>
public enum GateKind
{
    /// <summary>What is expected of the table.</summary>
    Expectation,
    /// <summary>A metric on the validation rows.</summary>
    Metric,
    Drift,
    /// <summary>A person's approval.</summary>
    Approval,
    /// <summary>Better than the version in production.</summary>
    Production,
    /// <summary>A check of the host's own.</summary>
    Check,
    /// <summary>Answering a share of the requests before all of them.</summary>
    Canary,
}

/// <summary>Why something is as it is: one sentence for people, and for code the gate that says it.</summary>
/// <param name="Text">The sentence.</param>
/// <param name="Gate">The gate that does not hold; null where it is none's.</param>
[JsonConverter(typeof(ReasonJson))]
public sealed record Reason(string Text, GateKind? Gate = null);

/// <summary>Reads a plain text too, which is what a reason was in the records of earlier versions.</summary>
internal sealed class ReasonJson : JsonConverter<Reason>
{
    public override Reason Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            return new Reason(reader.GetString()!);
        }
        var stored = JsonSerializer.Deserialize<Stored>(ref reader, options) ?? throw new JsonException("'null' is no reason.");
        return new Reason(stored.Text, stored.Gate);
    }

    public override void Write(Utf8JsonWriter writer, Reason value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, new Stored(value.Text, value.Gate), options);

    private sealed record Stored(string Text, GateKind? Gate);
}
