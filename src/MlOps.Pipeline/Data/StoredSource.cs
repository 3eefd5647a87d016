namespace MlOps.Pipeline.Data;

/// <summary>A dataset version as the source of a run.</summary>
public static class StoredSource
{
    private const string Prefix = "datasets/";

    public static string Of(string id) => Prefix + id;

    /// <summary>The version; null when the source is a file.</summary>
    public static string? IdOf(string source) =>
        source.StartsWith(Prefix, StringComparison.Ordinal) && source[Prefix.Length..] is { Length: 32 } id && id.All(char.IsAsciiHexDigitLower) ? id : null;
}

/// <summary>Predictions as the source of a raw dataset version: <c>predictions/{model}/{from}/{until}</c>.</summary>
public static class LoggedSource
{
    public const string Prefix = "predictions/";
}
