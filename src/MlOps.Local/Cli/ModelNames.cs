using System.CommandLine;
using System.CommandLine.Parsing;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;

namespace MlOps.Local.Cli;

/// <summary>Names of models on the command line: they become table keys and paths, and what is none must not get as far.</summary>
internal static class ModelNames
{
    private const int LongestShown = 100;

    /// <exception cref="InputException">One of them is no model's name.</exception>
    public static void Check(ParseResult parsed)
    {
        foreach (var name in parsed.CommandResult.Children.Select(NameIn).OfType<string>().Where(name => !ModelName.IsValid(name)))
        {
            var shown = name.Length <= LongestShown ? name : string.Concat(name.AsSpan(0, LongestShown), "…");
            throw new InputException($"The model name '{shown}' must be {ModelName.Rule}.");
        }
    }

    /// <summary>A model alone, or one before the version of something.</summary>
    private static string? NameIn(SymbolResult given) => given switch
    {
        OptionResult { Option.Name: "--model", Tokens: [var option] } => option.Value,
        ArgumentResult { Argument.Name: "MODEL", Tokens: [var model] } => model.Value,
        ArgumentResult { Argument.Name: "MODEL@VERSION" or "MODEL@FROM", Tokens: [var version] } => version.Value.Split('@')[0],
        // Of the same model, where it names none.
        ArgumentResult { Argument.Name: "TO", Tokens: [var to] } when to.Value.Contains('@', StringComparison.Ordinal) => to.Value.Split('@')[0],
        _ => null,
    };
}
