using System.Runtime.CompilerServices;

namespace MlOps.Pipeline.Tests.Definitions;

/// <summary>The definitions that the repository shows.</summary>
internal static class Samples
{
    public const string SchemaFile = "pipeline.schema.json";

    private static readonly string Repository = FindRepository();

    /// <summary>Names of the samples that are definitions.</summary>
    public static TheoryData<string> Definitions =>
        [.. Directory.GetFiles(Path.Combine(Repository, "samples"), "*.json").Select(file => Path.GetFileName(file)).Where(name => name != SchemaFile)];

    public static string Read(string name) => File.ReadAllText(Path.Combine(Repository, "samples", name));

    /// <summary>The example under "A pipeline definition".</summary>
    public static string OfReadme()
    {
        var section = File.ReadAllText(Path.Combine(Repository, "README.md")).Split("## A pipeline definition")[1];
        return section.Split("```json")[1].Split("```")[0];
    }

    private static string FindRepository([CallerFilePath] string source = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", "..", ".."));
}
