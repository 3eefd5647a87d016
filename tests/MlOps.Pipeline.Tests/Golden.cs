using System.Text.Json;

namespace MlOps.Pipeline.Tests;

/// <summary>Files of known answers that other implementations made; they may be absent.</summary>
internal static class Golden
{
    /// <summary>The folder: environment variable MLOPS_GOLDEN, else <c>../shared/golden</c> beside the repository.</summary>
    public static string Folder { get; } = Environment.GetEnvironmentVariable("MLOPS_GOLDEN") is { Length: > 0 } named ? named : Path.Combine(RepositoryFolder(), "..", "shared", "golden");

    /// <summary>The file's content, or null, said on standard output, when it is not there.</summary>
    public static JsonDocument? Find(string file)
    {
        var path = Path.Combine(Folder, file);
        if (File.Exists(path))
        {
            return JsonDocument.Parse(File.ReadAllText(path));
        }
        Console.WriteLine($"Skipped: {Path.GetFullPath(path)} is not there. Set MLOPS_GOLDEN to the folder of golden files.");
        return null;
    }

    private static string RepositoryFolder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder.Parent is not null && !File.Exists(Path.Combine(folder.FullName, "MlOps.Local.slnf")))
        {
            folder = folder.Parent;
        }
        return folder.FullName;
    }
}
