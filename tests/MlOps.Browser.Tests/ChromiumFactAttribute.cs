namespace MlOps.Browser.Tests;

/// <summary>A test in a real Chromium: the one that the variable <c>MLOPS_CHROMIUM</c> names, or the system's.</summary>
public sealed class ChromiumFactAttribute : FactAttribute
{
    private const string Setting = "MLOPS_CHROMIUM";

    private static readonly string[] UsualPlaces = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    public ChromiumFactAttribute() => Skip = FindPath() is null
        ? $"There is no Chromium at {string.Join(", ", UsualPlaces)}: install it (apt-get install chromium), or name it in the variable {Setting}."
        : null;

    /// <summary>Its program; null: there is none.</summary>
    public static string? FindPath() =>
        (Environment.GetEnvironmentVariable(Setting) is { Length: > 0 } named ? [named] : UsualPlaces).FirstOrDefault(File.Exists);
}
