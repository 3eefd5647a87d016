using System.Runtime.CompilerServices;

namespace MlOps.Testing.Docs;

/// <summary>A fenced block of the README, CONTRIBUTING.md or a file of <c>docs</c>.</summary>
/// <param name="File">The file, from the repository's root.</param>
/// <param name="Line">The line of its first fence, from 1.</param>
/// <param name="Language">What stands behind the fence.</param>
/// <param name="Lines">The lines between the fences.</param>
public sealed record DocBlock(string File, int Line, string Language, IReadOnlyList<string> Lines)
{
    private const string Fence = "```";

    /// <summary>The languages that a test reads; another one has no test, so that nobody may use it before there is one.</summary>
    public static IReadOnlySet<string> Languages { get; } = new HashSet<string> { "console", "csharp", "json", "mermaid", "text", "yaml" };

    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<DocBlock> All { get; } = [.. Files.SelectMany(BlocksOf)];

    /// <summary>All files that are read, by their order in the repository.</summary>
    public static IReadOnlyList<string> Files =>
    [
        "README.md", "CONTRIBUTING.md",
        .. Directory.GetFiles(Path.Combine(Root, "docs"), "*.md").Select(file => "docs/" + Path.GetFileName(file)).Order(StringComparer.Ordinal),
    ];

    public string Text => string.Join('\n', Lines);

    /// <summary>The file's text, with line ends of one kind.</summary>
    public static string Read(string file) => System.IO.File.ReadAllText(Path.Combine(Root, file)).ReplaceLineEndings("\n");

    public override string ToString() => $"{File}:{Line}";

    private static IEnumerable<DocBlock> BlocksOf(string file)
    {
        var lines = Read(file).Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (!lines[i].TrimStart().StartsWith(Fence, StringComparison.Ordinal))
            {
                continue;
            }
            var end = Array.FindIndex(lines, i + 1, line => line.Trim() == Fence);
            if (end < 0)
            {
                throw new InvalidDataException($"{file}:{i + 1}: the block has no end.");
            }
            // A block within a list is indented as its fence is.
            var indent = lines[i].Length - lines[i].TrimStart().Length;
            string[] within = [.. lines[(i + 1)..end].Select(line => line[Math.Min(indent, line.Length - line.TrimStart().Length)..])];
            yield return new DocBlock(file, i + 1, lines[i].Trim()[Fence.Length..], within);
            i = end;
        }
    }

    private static string FindRoot([CallerFilePath] string source = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", "..", ".."));
}
