using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MlOps.Pipeline.Contracts;

/// <summary>
/// The one JSON dialect of stored records and HTTP bodies, the same on every system: camel case, enums in camel case, NaN and infinities as text.
/// </summary>
public static class Json
{
    public static JsonSerializerOptions Options { get; } = Create(indented: false);

    public static JsonSerializerOptions Indented { get; } = Create(indented: true);

    public static string Write<T>(T value) => JsonSerializer.Serialize(value, Options);

    /// <exception cref="JsonException">There is no text, or it is not the JSON of a <typeparamref name="T"/>.</exception>
    public static T Read<T>(string? json) =>
        JsonSerializer.Deserialize<T>(json ?? "null", Options) ?? throw new JsonException($"'null' is no {typeof(T).Name}.");

    /// <summary>Where a text is no JSON, counted from one, and why: the parser appends a zero-based wording of the place, which people do not need.</summary>
    public static string Describe(JsonException malformed)
    {
        var end = malformed.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var reason = end < 0 ? malformed.Message : malformed.Message[..end];
        return malformed is { LineNumber: { } line, BytePositionInLine: { } position } ? $"line {line + 1}, position {position + 1}: {reason}" : reason;
    }

    public static void Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.PropertyNameCaseInsensitive = true;
        options.NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals;
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
    }

    private static JsonSerializerOptions Create(bool indented)
    {
        var options = new JsonSerializerOptions { WriteIndented = indented, NewLine = "\n" };
        Configure(options);
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
