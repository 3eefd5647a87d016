using System.Text.Json;

namespace MlOps.Functions.Tests;

/// <summary>The app's <c>host.json</c>, which the Functions host reads and a test's worker is set up by.</summary>
internal static class HostFile
{
    /// <summary>Under which version instances begin.</summary>
    public static string Version { get; } = Durable("defaultVersion").GetString()!;

    /// <summary>Most activities of an instance of the app at a time.</summary>
    public static int MostActivities { get; } = Durable("maxConcurrentActivityFunctions").GetInt32();

    public static JsonDocument Read() => JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "host.json")));

    private static JsonElement Durable(string key)
    {
        using var host = Read();
        return host.RootElement.GetProperty("extensions").GetProperty("durableTask").GetProperty(key).Clone();
    }
}
