using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Ingest;

namespace MlOps.Web.Views;

/// <summary>What was found in an uploaded file.</summary>
/// <param name="Model">The model.</param>
/// <param name="Source">The file, as a run names it.</param>
/// <param name="Definition">The definition that would be written for it: what <c>PUT /pipelines/{model}</c> takes.</param>
/// <param name="Columns">Its columns, in the file's order.</param>
/// <param name="Rows">How many rows it has.</param>
/// <param name="Sample">The first rows, a cell for each column.</param>
/// <param name="Warnings">What the user should know of the file.</param>
/// <param name="Guessed">Whether the target is a guess: nobody named one.</param>
public sealed record InferView(
    string Model, string Source, JsonElement Definition, IReadOnlyList<InferredColumn> Columns, long Rows, IReadOnlyList<IReadOnlyList<string?>> Sample,
    IReadOnlyList<Warning> Warnings, bool Guessed)
{
    /// <summary>The file that is meant; it is not looked at.</summary>
    /// <exception cref="InputException">It is none of the model's, or the model has none.</exception>
    internal static async Task<string> SourceOfAsync(string model, InferRequest wish, RunSources sources, CancellationToken cancel)
    {
        if (!Names.IsModel(model))
        {
            throw new InputException($"The model name '{model}' in the URL must be {ModelName.Rule}.");
        }
        if (wish.Source is { } named && Names.ProblemOfSource(model, named) is { } problem)
        {
            throw new InputException(problem);
        }
        return wish.Source ?? (await sources.DefaultAsync(model, cancel)).Source;
    }

    /// <summary>Looks at a file; nothing is started, and nothing kept.</summary>
    /// <exception cref="InputException">The file cannot be read, or is none of the model's.</exception>
    internal static async Task<InferView> OfAsync(string model, InferRequest wish, DefinitionInference inference, RunSources sources, CancellationToken cancel)
    {
        var source = await SourceOfAsync(model, wish, sources, cancel);
        var known = new PipelineDefinition
        {
            Model = model,
            Target = wish.Target ?? "",
            Task = wish.Task,
            Columns = (wish.Ignore ?? []).ToDictionary(column => column, _ => new ColumnRule { Ignore = true }, StringComparer.Ordinal),
        };
        var found = await inference.LookAsync(known, source, cancel);
        using var definition = JsonDocument.Parse(DefinitionJson.Write(found.Definition));
        return new InferView(
            model, source, definition.RootElement.Clone(), found.Columns, found.Rows, found.Sample, found.Warnings, Guessed: wish.Target is null);
    }
}

/// <summary>The body of <c>POST /pipelines/{model}/infer</c>; may be left out.</summary>
/// <param name="Source">An uploaded file, <c>raw/{model}/{file}</c>; left out: the newest of the model.</param>
/// <param name="Target">The column to predict; left out: guessed, the last column that a model can predict.</param>
/// <param name="Task">What kind of prediction; left out: from the target's values, when a run reads them.</param>
/// <param name="Ignore">Columns that must not be used.</param>
public sealed record InferRequest(string? Source, string? Target, TaskKind? Task, IReadOnlyList<string>? Ignore);
