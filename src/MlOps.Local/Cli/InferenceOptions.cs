using System.CommandLine;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Ingest;

namespace MlOps.Local.Cli;

/// <summary>What a person says about a table whose definition is inferred.</summary>
internal static class InferenceOptions
{
    private static readonly Option<string?> Task = new("--task") { Description = "regression or binary [default: from the target's values]" };

    private static readonly Option<string?> Ignore = new("--ignore") { Description = "Columns that must not be used, separated by commas", HelpName = "a,b" };

    public static Option<string?> Target { get; } = new("--target") { Description = "Column to predict", HelpName = "COLUMN" };

    public static void AddTo(Command command)
    {
        Task.AcceptOnlyFromAmong("regression", "binary");
        command.Add(Target);
        command.Add(Task);
        command.Add(Ignore);
    }

    /// <param name="inference">Looks at the table.</param>
    /// <param name="parsed">The command line, with a target.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="file">The table.</param>
    /// <param name="cancel">Stops the inference.</param>
    public static Task<PipelineDefinition> InferAsync(DefinitionInference inference, ParseResult parsed, string model, string file, CancellationToken cancel)
    {
        TaskKind? task = parsed.GetValue(Task) is { } name ? Enum.Parse<TaskKind>(name, ignoreCase: true) : null;
        string[] ignore = parsed.GetValue(Ignore)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        return inference.InferAsync(file, parsed.GetValue(Target)!, model, task, ignore, cancel);
    }
}
