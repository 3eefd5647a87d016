using System.Buffers;
using System.Text.RegularExpressions;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web;

/// <summary>Names in URLs become table keys and blob paths: only well-formed ones go on to storage.</summary>
internal static partial class Names
{
    private const int LongestFile = 200;
    private const int LongestBlob = 1000;

    private static readonly SearchValues<char> NotInFiles = SearchValues.Create("/\\:*?\"<>|#%");
    private static readonly SearchValues<char> Hex = SearchValues.Create("0123456789abcdef");

    public static bool IsModel(string name) => ModelName.IsValid(name);

    public static bool IsRun(string runId) =>
        RunId.ModelOf(runId) is { } model && IsModel(model) && runId.AsSpan(runId.LastIndexOf('-') + 1).IndexOfAnyExcept(Hex) < 0;

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\z")]
    public static partial Regex Alias { get; }

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
