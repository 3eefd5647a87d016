using System.Text.RegularExpressions;

namespace MlOps.Testing;

/// <summary>What people are told: sentences, without the insides of a program.</summary>
public static partial class Sentences
{
    /// <summary>Null when it is one, else what betrays the program.</summary>
    public static string? InsidesOf(string text) =>
        text.Length == 0 ? "nothing at all" : Insides.Match(text) is { Success: true } found ? found.Value : null;

    [GeneratedRegex(
        @"\b\w+Exception\b|\bSystem\.\w+|\bMlOps\.\w+|^ {2,}at [\w.<>`]+\(|DuckDB|Azure\.|\.cs:line|stack trace|Parser Error|IO Error|INTERNAL",
        RegexOptions.Multiline)]
    private static partial Regex Insides { get; }
}
