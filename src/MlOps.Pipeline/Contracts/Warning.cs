using System.Text.Json;
using System.Text.Json.Serialization;

namespace MlOps.Pipeline.Contracts;

/// <summary>Something that the user should know although the work goes on.</summary>
/// <param name="Text">One sentence for people, with the way out.</param>
[JsonConverter(typeof(WarningJson))]
public sealed record Warning(string Text)
{
    /// <summary>What concerns more than this share of the rows may change what the model is worth.</summary>
    public const double Many = 0.01;

    private const int LongestExample = 60;

    /// <summary>The column that it is about; null: none, or the whole file.</summary>
    public string? Column { get; init; }

    /// <summary>Rows or cells concerned; null where nothing is counted.</summary>
    public long? Count { get; init; }

    /// <summary>Line of the file on which the first of them stands, from 1.</summary>
    public long? Line { get; init; }

    /// <summary>The first of them as it stands in the file, shortened.</summary>
    public string? Example { get; init; }

    /// <summary>True where it may change what the model is worth: told first, not last.</summary>
    public bool Headline { get; init; }

    public override string ToString() => Text;

    /// <summary>A cell as an example of it is shown.</summary>
    public static string Shorten(string cell) => cell.Length <= LongestExample
        ? cell
        : string.Concat(cell.AsSpan(0, char.IsHighSurrogate(cell[LongestExample - 1]) ? LongestExample - 1 : LongestExample), "…");
}

/// <summary>Reads a plain text too, which is what a warning was in the records of earlier versions.</summary>
internal sealed class WarningJson : JsonConverter<Warning>
{
    public override Warning Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            return new Warning(reader.GetString()!);
        }
        var stored = JsonSerializer.Deserialize<Stored>(ref reader, options) ?? throw new JsonException("'null' is no warning.");
        return new Warning(stored.Text)
        {
            Column = stored.Column,
            Count = stored.Count,
            Line = stored.Line,
            Example = stored.Example,
            Headline = stored.Headline ?? false,
        };
    }

    public override void Write(Utf8JsonWriter writer, Warning value, JsonSerializerOptions options) => JsonSerializer.Serialize(
        writer, new Stored(value.Text, value.Column, value.Count, value.Line, value.Example, value.Headline ? true : null), options);

    private sealed record Stored(string Text, string? Column, long? Count, long? Line, string? Example, bool? Headline);
}
