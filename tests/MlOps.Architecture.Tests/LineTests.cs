using System.Runtime.CompilerServices;

namespace MlOps.Architecture.Tests;

public sealed class LineTests
{
    private const int Longest = 160;

    [Fact]
    public void No_line_of_the_product_is_longer_than_160_characters()
    {
        var files = Directory.EnumerateFiles(Path.Combine(Root(), "src"), "*.cs", SearchOption.AllDirectories).Where(IsWritten).ToList();

        files.Should().HaveCountGreaterThan(200);
        files.SelectMany(file => File.ReadLines(file).Select((text, i) => (Place: $"{Path.GetRelativePath(Root(), file)}:{i + 1}", text.Length)))
            .Where(line => line.Length > Longest).Select(line => line.Place).Should().BeEmpty();
    }

    private static bool IsWritten(string file) => !file.Split(Path.DirectorySeparatorChar).Any(folder => folder is "obj" or "bin");

    private static string Root([CallerFilePath] string source = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "../.."));
}
