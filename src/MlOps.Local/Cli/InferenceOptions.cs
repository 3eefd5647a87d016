using System.CommandLine;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Ingest;

namespace MlOps.Local.Cli;

/// <summary>What a person says about a table whose definition is inferred.</summary>
internal static class InferenceOptions
{
    private static readonly string[] Tasks = [.. Enum.GetNames<TaskKind>().Select(name => name.ToLowerInvariant())];

    private static readonly Option<string?> Task = new("--task")
    {
        Description = $"{string.Join(", ", Tasks[..^1])} or {Tasks[^1]} [default: from the target's values]",
    };

    private static readonly Option<string?> Ignore = new("--ignore") { Description = "Columns that must not be used, separated by commas", HelpName = "a,b" };

    private static readonly Option<bool> Header = new("--header") { Description = "The first line names the columns [default: found from the file]" };

    private static readonly Option<bool> NoHeader = new("--no-header") { Description = "The first line is a row already: columns are column_1, column_2, …" };

    public static Option<string?> Target { get; } = new("--target") { Description = "Column to predict", HelpName = "COLUMN" };

    public static void AddTo(Command command)
    {
        Task.AcceptOnlyFromAmong(Tasks);
        command.Add(Target);
        command.Add(Task);
        command.Add(Ignore);
        command.Add(Header);
        command.Add(NoHeader);
        command.Validators.Add(result =>
        {
            if (result.GetResult(Header) is { Implicit: false } && result.GetResult(NoHeader) is { Implicit: false })
            {
                result.AddError("--header and --no-header exclude each other.");
            }
        });
    }

    /// <param name="inference">Looks at the table.</param>
    /// <param name="parsed">The command line, with a target.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="file">The table.</param>
    /// <param name="cancel">Stops the inference.</param>
    public static Task<PipelineDefinition> InferAsync(DefinitionInference inference, ParseResult parsed, string model, string file, CancellationToken cancel)
    {
        string[] ignore = parsed.GetValue(Ignore)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        var known = new PipelineDefinition
        {
            Model = model,
            Target = parsed.GetValue(Target)!,
            Task = parsed.GetValue(Task) is { } name ? Enum.Parse<TaskKind>(name, ignoreCase: true) : null,
            Header = parsed.GetValue(Header) ? true : parsed.GetValue(NoHeader) ? false : null,
            Columns = ignore.ToDictionary(column => column, _ => new ColumnRule { Ignore = true }, StringComparer.Ordinal),
        };
        return inference.InferAsync(known, file, cancel);
    }
}
