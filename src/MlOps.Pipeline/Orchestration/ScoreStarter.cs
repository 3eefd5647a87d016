using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Stages.Score;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>Starts runs that score a table with a version that there is.</summary>
public sealed class ScoreStarter(
    ModelRegistry registry, ArtifactStore artifacts, DefinitionStore definitions, RunSources sources, DatasetStore datasets, RunStarter starter)
{
    /// <param name="model">The model's name.</param>
    /// <param name="wish">What to score.</param>
    /// <param name="trigger">What starts it: see <see cref="Run.Trigger"/>.</param>
    /// <param name="cancel">Stops the start, not the run.</param>
    /// <exception cref="InputException">There is no such version or table, or the table lacks columns that the version reads.</exception>
    public async Task<Run> StartAsync(string model, ScoreWish wish, string trigger, CancellationToken cancel)
    {
        var version = await FindAsync(model, wish.Version, cancel);
        var featurizer = Stored.Read<Featurizer>((await version.ToFiles().ReadAsync(artifacts, StoredModel.FeaturizerFile, cancel)).ToString());
        var request = new RunRequest(model, wish.Source, trigger) { Goal = RunGoal.Score, Score = new ScoreOrder(version.Version), Data = wish.Data };
        if (wish.Data is { } name)
        {
            var found = name.Split('@') is [var other, var ofOther] ? (Model: other, Name: ofOther) : (Model: model, Name: name);
            var source = await sources.OfVersionAsync(found.Model, found.Name, cancel);
            var table = await datasets.GetAsync(StoredSource.IdOf(source.Source)!, cancel);
            CellJson.Check(table.Columns, featurizer.Signature);
            request = request with { Source = source.Source };
        }
        return await starter.StartAsync(request, await ReadingAsync(model, featurizer, cancel), cancel);
    }

    private async Task<ModelVersion> FindAsync(string model, int? wanted, CancellationToken cancel)
    {
        var found = await registry.FindAsync(model, cancel) ?? throw new InputException($"Model '{model}' has no registered version.");
        var number = wanted ?? found.Production ?? throw new InputException(
            $"Model '{model}' has no version in production. Name the version that is to score, or promote one: PUT /models/{model}/aliases/production.");
        return await registry.FindVersionAsync(model, number, cancel)
            ?? throw new InputException($"Model '{model}' has no version {number}. GET /models/{model} lists its versions.");
    }

    /// <summary>
    /// The cells of a file mean what they meant in the file that the version was trained on, whatever its other rows look like; columns that the version does
    /// not read are read as the model's definition has it.
    /// </summary>
    private async Task<PipelineDefinition> ReadingAsync(string model, Featurizer featurizer, CancellationToken cancel)
    {
        var definition = await definitions.FindAsync(model, cancel);
        var columns = new SortedDictionary<string, ColumnRule>(StringComparer.Ordinal);
        foreach (var (name, rule) in definition?.Columns ?? new Dictionary<string, ColumnRule>())
        {
            columns[name] = new ColumnRule { Kind = rule.Kind, Nulls = rule.Nulls, Format = rule.Format, Decimal = rule.Decimal };
        }
        foreach (var input in featurizer.Inputs)
        {
            columns[input.Name] = new ColumnRule { Kind = input.Kind, Nulls = input.Cells?.Nulls, Format = FormatOf(input) };
        }
        return new PipelineDefinition { Model = model, Target = featurizer.Target.Name, Header = definition?.Header, Columns = columns };
    }

    private static CellPattern? FormatOf(FeatureInput input) => input.Kind switch
    {
        ColumnKind.Numeric => (CellPattern)(input.Cells?.Numbers ?? NumberFormat.Point),
        ColumnKind.Datetime => CellPattern.Ymd + (int)(input.Cells?.Dates ?? DateOrder.Ymd),
        _ => null,
    };
}

/// <summary>What a person asks to score.</summary>
/// <param name="Source">A blob <c>raw/{folder}/{file}</c> or a local path; null: <paramref name="Data"/> is named.</param>
/// <param name="Data">A raw dataset version of the model, or <c>model@name</c> of another; null: a file is named.</param>
/// <param name="Version">The version that scores; null: the one in production.</param>
public sealed record ScoreWish(string? Source = null, string? Data = null, int? Version = null);
