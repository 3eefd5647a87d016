using System.Collections.Concurrent;
using System.IO.Compression;

namespace MlOps.Drift.Tests;

/// <summary>Other implementations' answers and the rows that they were asked about: <c>tests/data</c>, whose README says where each file is from.</summary>
internal static class GoldenFiles
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "data");
    private static readonly ConcurrentDictionary<string, IReadOnlyList<string>> Lines = new(StringComparer.Ordinal);

    /// <param name="name">Path below <c>tests/data/golden</c>.</param>
    public static string Read(string name) => File.ReadAllText(Path.Combine(Folder, "golden", name));

    /// <param name="path">Path of a gzipped text file below <c>tests/data</c>.</param>
    public static IReadOnlyList<string> ReadLines(string path) => Lines.GetOrAdd(path, _ =>
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(Path.Combine(Folder, path)), CompressionMode.Decompress));
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    });
}
