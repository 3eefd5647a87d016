using System.Text.RegularExpressions;

namespace MlOps.Pipeline.Definitions;

/// <summary>Names of models become parts of blob paths, table keys and URLs.</summary>
public static partial class ModelName
{
    /// <summary>What a valid name is, as half a sentence.</summary>
    public const string Rule = "1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end";

    private const string Letters = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";

    /// <summary>The same as a regular expression of JSON Schema.</summary>
    internal const string SchemaPattern = $"^{Letters}$";

    public static bool IsValid(string name) => Pattern().IsMatch(name);

    [GeneratedRegex(@"\A" + Letters + @"\z")]
    private static partial Regex Pattern();
}
