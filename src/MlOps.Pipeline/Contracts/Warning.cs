using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MlOps.Pipeline.Contracts;

/// <summary>Something that the user should know although the work goes on.</summary>
/// <param name="Code">What it is about, for programs: one of <see cref="WarningCodes"/>; null in the records of earlier versions.</param>
/// <param name="Text">One sentence for people, with the way out.</param>
[JsonConverter(typeof(WarningJson))]
public sealed record Warning(string? Code, string Text)
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

    /// <summary>How many of how many, as the subject of a sentence: <c>1 of 300 rows was</c>, <c>2 of 300 rows were</c>.</summary>
    /// <param name="count">So many.</param>
    /// <param name="all">Of so many.</param>
    /// <param name="things">What they are, in the plural.</param>
    /// <param name="one">The verb where it is one.</param>
    /// <param name="several">The verb else.</param>
    public static string Share(long count, long all, string things, string one = "was", string several = "were") =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} of {all:N0} {things} {(count == 1 ? one : several)}");

    /// <summary>A number of things: <c>1 row</c>, <c>2 rows</c>.</summary>
    /// <param name="count">So many.</param>
    /// <param name="one">What one of them is.</param>
    /// <param name="several">What several are; null: the same with an s behind.</param>
    public static string Counted(long count, string one, string? several = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} {(count == 1 ? one : several ?? one + "s")}");

    /// <summary>The first ones, and one more that stands for those behind them: none disappears unseen.</summary>
    /// <param name="warnings">In the order in which they are told.</param>
    /// <param name="most">At most so many, and the one more.</param>
    /// <param name="mostCharacters">At most so many characters of JSON.</param>
    public static IReadOnlyList<Warning> Cap(IReadOnlyList<Warning> warnings, int most, int mostCharacters)
    {
        var (kept, characters) = (0, 0);
        while (kept < Math.Min(warnings.Count, most) && (characters += Json.Write(warnings[kept]).Length) <= mostCharacters)
        {
            kept++;
        }
        return kept == warnings.Count ? warnings : [.. warnings.Take(kept), Rest([.. warnings.Skip(kept)])];
    }

    private static Warning Rest(IReadOnlyList<Warning> rest)
    {
        var concerned = rest.Sum(warning => warning.Count ?? 0);
        var first = rest.Where(warning => warning.Line is not null).MinBy(warning => warning.Line)
            ?? rest.FirstOrDefault(warning => warning.Example is not null);
        var codes = rest.GroupBy(warning => warning.Code).OrderByDescending(code => code.Count()).Take(5).Select(
            code => $"{code.Count()} {code.Key ?? "other"}");
        var where = first switch
        {
            { Line: { } line, Example: { } cell } => $"; the first line is {line}: '{cell}'",
            { Line: { } line } => $"; the first line is {line}",
            { Example: { } cell } => $"; such as '{cell}'",
            _ => "",
        };
        return new Warning(
            WarningCodes.More,
            string.Create(
                CultureInfo.InvariantCulture,
                $"… and {rest.Count:N0} more ({string.Join(", ", codes)}), which concern {concerned:N0} rows or cells in all{where}. "
                    + $"The stage's log has them."))
        {
            Count = concerned,
            Line = first?.Line,
            Example = first?.Example,
            Headline = rest.Any(warning => warning.Headline),
        };
    }

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
            return new Warning(null, reader.GetString()!);
        }
        var stored = JsonSerializer.Deserialize<Stored>(ref reader, options) ?? throw new JsonException("'null' is no warning.");
        return new Warning(stored.Code, stored.Text)
        {
            Column = stored.Column,
            Count = stored.Count,
            Line = stored.Line,
            Example = stored.Example,
            Headline = stored.Headline ?? false,
        };
    }

    public override void Write(Utf8JsonWriter writer, Warning value, JsonSerializerOptions options) => JsonSerializer.Serialize(
        writer, new Stored(value.Code, value.Text, value.Column, value.Count, value.Line, value.Example, value.Headline ? true : null), options);

    private sealed record Stored(string? Code, string Text, string? Column, long? Count, long? Line, string? Example, bool? Headline);
}
