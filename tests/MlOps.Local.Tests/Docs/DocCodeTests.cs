using System.Text.RegularExpressions;
using MlOps.Testing.Docs;

namespace MlOps.Local.Tests.Docs;

/// <summary>C# of the docs is an excerpt of code that is compiled: its lines stand in one file, in this order, but for what <c>…</c> leaves out.</summary>
public sealed partial class DocCodeTests
{
    /// <summary>The code that the docs quote.</summary>
    private static readonly IReadOnlyList<string> Sources =
    [
        .. Directory.GetFiles(Path.Combine(DocBlock.Root, "samples", "Extensions"), "*.cs"),
        Path.Combine(DocBlock.Root, "tests", "MlOps.Functions.Tests", "Hosting", "AppServicesTests.cs"),
    ];

    public static TheoryData<string> Snippets => [.. DocBlock.All.Where(block => block.Language == "csharp").Select(block => block.ToString())];

    [Theory]
    [MemberData(nameof(Snippets))]
    public void A_snippet_is_an_excerpt_of_what_is_compiled(string place)
    {
        var pieces = PiecesOf(DocBlock.All.Single(block => block.ToString() == place).Text);

        Sources.Select(file => Normal(File.ReadAllText(file))).Where(source => Has(source, pieces)).Should().ContainSingle("{0} is an excerpt", place);
    }

    [Fact]
    public void What_is_no_excerpt_is_noticed()
    {
        var source = Normal("class A\n{\n    /// <summary>One.</summary>\n    int One() => 1;\n\n    int Two()\n    {\n        return 2;\n    }\n}\n");

        Has(source, PiecesOf("class A\n{\n    int One() => 1;\n    int Two() => …;\n}")).Should().BeTrue("a body may be left out");
        Has(source, PiecesOf("int One() => 1;\nint Two(int x) => …;")).Should().BeFalse();
        Has(source, PiecesOf("int Two() => …;\nint One() => 1;")).Should().BeFalse("it is in another order");
    }

    /// <summary>The lines, and within one what is not left out. Where a body is, <c>=> …;</c> may stand for one in braces.</summary>
    private static IReadOnlyList<string> PiecesOf(string snippet) =>
    [
        .. snippet.Split('\n').SelectMany(line => Elision().Split(Normal(line))).Select(piece => piece.Trim()).Where(piece => piece.Length > 0),
    ];

    private static bool Has(string source, IReadOnlyList<string> pieces)
    {
        var at = 0;
        foreach (var piece in pieces)
        {
            var found = source.IndexOf(piece, at, StringComparison.Ordinal);
            if (found < 0)
            {
                return false;
            }
            at = found + piece.Length;
        }
        return true;
    }

    /// <summary>Without comments, and with one space where there are several or an end of a line.</summary>
    private static string Normal(string code) => Spaces().Replace(Comments().Replace(code, ""), " ");

    [GeneratedRegex(@"(?:=> )?…\)?;?")]
    private static partial Regex Elision();

    [GeneratedRegex(@"///?.*$", RegexOptions.Multiline)]
    private static partial Regex Comments();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
