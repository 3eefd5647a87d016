namespace MlOps.Pipeline.Contracts;

/// <summary>A cell of a CSV that is written (RFC 4180).</summary>
public static class CsvCell
{
    /// <summary>The text, in quotes where it needs them.</summary>
    public static string Of(string text) =>
        text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
