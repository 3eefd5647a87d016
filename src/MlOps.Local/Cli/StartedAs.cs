namespace MlOps.Local.Cli;

/// <summary>How a person starts this program, for messages that name the next command.</summary>
internal static class StartedAs
{
    /// <summary><c>mlops</c>; from source, the words that start it there.</summary>
    public static string Words { get; } = FindProject(AppContext.BaseDirectory) is { } project
        ? $"dotnet run -c Release --project {Quote(Path.GetRelativePath(Environment.CurrentDirectory, project))} --"
        : "mlops";

    /// <summary>A word of a command line that can be copied.</summary>
    public static string Quote(string word) => word.Contains(' ', StringComparison.Ordinal) ? $"\"{word}\"" : word;

    /// <summary>The project's folder when the program lies where a build of it puts it: <c>bin/Release/net10.0</c>.</summary>
    private static string? FindProject(string program)
    {
        var folder = Path.GetFullPath(Path.Combine(program, "..", "..", ".."));
        return File.Exists(Path.Combine(folder, "MlOps.Local.csproj")) ? folder : null;
    }
}
