using System.Buffers;
using System.Globalization;
using System.Text.RegularExpressions;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web.Views;

/// <summary>Names in URLs become table keys and blob paths: only well-formed ones go on to storage.</summary>
internal static partial class Names
{
    private const int LongestFile = 200;
    private const int LongestBlob = 1000;

    private static readonly SearchValues<char> NotInFiles = SearchValues.Create("/\\:*?\"<>|#%");

    /// <summary>
    /// Signs that are shown, or elsewhere read, as one that a file name cannot have: slashes of other scripts, full-width and small forms, signs with a slash
    /// within. Written out, as a program that knows no cultures normalises nothing.
    /// </summary>
    private static readonly SearchValues<char> Lookalikes = SearchValues.Create(
        "\u2044\u2215\u2216\u29f5\u29f8\u29f9\uff0f\uff3c\uff1a\uff0a\uff1f\uff02\uff1c\uff1e\uff5c\uff03\uff05"
        + "\ufe68\ufe55\ufe61\ufe56\ufe64\ufe65\ufe5f\ufe6a\u2047\u2048\u2049\u2100\u2101\u2105\u2106");

    private static readonly SearchValues<char> Dots = SearchValues.Create("\u2024\u2025\u2026\ufe52\uff0e");

    private static readonly SearchValues<char> TurnsOrBreaks = SearchValues.Create("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff");

    private static readonly SearchValues<char> Hex = SearchValues.Create("0123456789abcdef");

    public static bool IsModel(string name) => ModelName.IsValid(name);

    public static bool IsRun(string runId) =>
        RunId.ModelOf(runId) is { } model && IsModel(model) && runId.AsSpan(runId.LastIndexOf('-') + 1).IndexOfAnyExcept(Hex) < 0;

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\z")]
    public static partial Regex Alias { get; }

    /// <summary>Whatever ends them.</summary>
    [GeneratedRegex(@"\A(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\z)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Devices { get; }

    /// <summary>The number of a version in a URL; null when it is none.</summary>
    public static int? Version(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Null when the file name is fine, else what is wrong with it.</summary>
    public static string? ProblemOfFile(string file)
    {
        if (file.Length is 0 or > LongestFile)
        {
            return $"The file name must have 1 to {LongestFile} characters.";
        }
        if (file.AsSpan().IndexOfAny(NotInFiles) >= 0 || file.Any(char.IsControl) || !IsWellFormed(file))
        {
            return $"The file name '{file}' has a character that a file name cannot have: / \\ : * ? \" < > | # % or a control character. Rename the file.";
        }
        if (IsDisguised(file))
        {
            return $"The file name '{file}' has a character that looks like another one, or turns the direction of writing. Rename the file.";
        }
        if (Devices.IsMatch(file))
        {
            return $"The file name '{file}' is a device's on Windows, where nobody could save it. Rename the file.";
        }
        return file[0] is '.' or ' ' || file[^1] is '.' or ' ' ? $"The file name '{file}' starts or ends with a dot or a space. Rename the file." : null;
    }

    /// <summary>Null when a file may be uploaded under this name, else what is wrong with it.</summary>
    public static string? ProblemOfUpload(string model, string file) =>
        IsModel(model) ? ProblemOfFile(file) : $"The model name '{model}' in the URL must be {ModelName.Rule}.";

    /// <summary>Null when the source is a raw blob of the model, else what is wrong with it.</summary>
    public static string? ProblemOfSource(string model, string source)
    {
        var folder = $"raw/{model}/";
        var isBlobOfModel = source.Length <= LongestBlob && source.StartsWith(folder, StringComparison.Ordinal)
            && source[folder.Length..].Split('/').All(part => ProblemOfFile(part) is null);
        return isBlobOfModel ? null : $"source is '{source}'; it must be an uploaded file of this model, {folder}{{file}}. PUT /{folder}{{file}} uploads one.";
    }

    /// <summary>Names that look like another, or lead elsewhere where they are compared in other ways.</summary>
    private static bool IsDisguised(string file) =>
        file.AsSpan().IndexOfAny(TurnsOrBreaks) >= 0 || file.AsSpan().IndexOfAny(Lookalikes) >= 0 || Dots.Contains(file[0]);

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]) && !(i + 1 < text.Length && char.IsSurrogatePair(text[i], text[++i])))
            {
                return false;
            }
        }
        return true;
    }
}
