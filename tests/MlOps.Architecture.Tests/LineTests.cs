using System.Runtime.CompilerServices;

namespace MlOps.Architecture.Tests;

public sealed class LineTests
{
    private const int Longest = 160;

    [Theory]
    [InlineData("src", 200)]
    [InlineData("tests", 100)]
    [InlineData("bench", 3)]
    [InlineData("samples", 2)]
    public void No_line_of_code_is_longer_than_160_characters(string folder, int least)
    {
        string[] files = [.. FilesOf(folder, "*.cs"), .. FilesOf(folder, "*.razor")];

        files.Should().HaveCountGreaterThan(least);
        var longer = files.SelectMany(file => File.ReadLines(file).Select((text, i) => (Place: $"{Path.GetRelativePath(Root(), file)}:{i + 1}", text.Length)))
            .Where(line => line.Length > Longest).Select(line => line.Place);
        // All of them in the message: of a sequence only the first would be.
        string.Join('\n', longer).Should().BeEmpty();
    }

    [Fact]
    public void Pages_are_among_the_code() => FilesOf("src", "*.razor").Should().HaveCountGreaterThan(3);

    private static IEnumerable<string> FilesOf(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Root(), folder), pattern, SearchOption.AllDirectories).Where(IsWritten);

    private static bool IsWritten(string file) => !file.Split(Path.DirectorySeparatorChar).Any(folder => folder is "obj" or "bin");

    private static string Root([CallerFilePath] string source = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "../.."));
}
