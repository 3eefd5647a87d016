using System.Text.Json;
using System.Text.Json.Serialization;

namespace MlOps.Pipeline.Features;

/// <summary>A computed feature.</summary>
/// <param name="Name">Its column's name.</param>
/// <param name="Function">Name of the function that computes it.</param>
/// <param name="Inputs">The columns that it is computed from, in the function's order.</param>
/// <param name="Version">The function's version; null for functions that are built in.</param>
[JsonConverter(typeof(DerivedFeatureJson))]
public sealed record DerivedFeature(string Name, string Function, IReadOnlyList<string> Inputs, string? Version = null)
{
    internal bool IsBuiltIn => Version is null;

    public bool Equals(DerivedFeature? other) =>
        other is not null && (Name, Function, Version) == (other.Name, other.Function, other.Version) && Inputs.SequenceEqual(other.Inputs);

    public override int GetHashCode() => HashCode.Combine(Name, Function, Version);
}

/// <summary>Ids of datasets and names of models are hashes of this text: what is built in is written as it always was, with inputs a and b.</summary>
internal sealed class DerivedFeatureJson : JsonConverter<DerivedFeature>
{
    public override DerivedFeature Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var stored = JsonSerializer.Deserialize<Stored>(ref reader, options) ?? throw new JsonException("'null' is no feature.");
        return new DerivedFeature(stored.Name, stored.Function, stored.Inputs ?? [.. new[] { stored.A, stored.B }.OfType<string>()], stored.Version);
    }

    public override void Write(Utf8JsonWriter writer, DerivedFeature value, JsonSerializerOptions options) => JsonSerializer.Serialize(
        writer,
        value.IsBuiltIn
            ? new Stored(value.Name, value.Function, value.Inputs[0], value.Inputs.ElementAtOrDefault(1))
            : new Stored(value.Name, value.Function, Inputs: value.Inputs, Version: value.Version),
        options);

    private sealed record Stored(
        string Name, string Function, string? A = null, string? B = null, IReadOnlyList<string>? Inputs = null, string? Version = null);
}
