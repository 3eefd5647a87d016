using System.Runtime.CompilerServices;

namespace MlOps.Pipeline.Tests;

/// <summary>Files with other implementations' answers: in the folder named by MLOPS_GOLDEN, else in ../shared/golden beside the repository.</summary>
internal static class GoldenFiles
{
    public static string Folder { get; } = Environment.GetEnvironmentVariable("MLOPS_GOLDEN") is { Length: > 0 } given ? given : Path.Combine(Repository(), "..", "shared", "golden");

    /// <summary>The file's text; skips the test where there is none.</summary>
    public static string Read(string name)
    {
        var path = Path.GetFullPath(Path.Combine(Folder, name));
        Skip.IfNot(File.Exists(path), $"There is no {path}; set MLOPS_GOLDEN to the folder that has {name}.");
        return File.ReadAllText(path);
    }

    private static string Repository([CallerFilePath] string source = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", ".."));
}
