namespace MlOps.Local.Tests.Docs;

/// <summary>The ways in which README and docs start the program.</summary>
internal static class DocProgram
{
    /// <summary>The program's own arguments; null where a command starts something else.</summary>
    public static string[]? WordsOf(string[] call) => call switch
    {
        ["mlops", .. var words] => words,
        ["dotnet", "run", "-c", "Release", "--project", "src/MlOps.Local" or "samples/Extensions", "--", .. var words] => words,
        ["dotnet", "run", "-c", "Release", "--project", "src/MlOps.Local" or "samples/Extensions"] => [],
        _ => null,
    };
}
