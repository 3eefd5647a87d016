using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Reading;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Stages.Clean;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Promote;

/// <summary>A new version and production, scored on the same rows.</summary>
/// <param name="Candidate">The new version's scores.</param>
/// <param name="Production">Production's scores.</param>
/// <param name="LeftOut">Validation rows that production was trained on, and that neither is measured by.</param>
internal sealed record ScoredTogether(ScoredRows Candidate, ScoredRows Production, long LeftOut)
{
    /// <summary>Why it cannot be told which of the rows production was trained on, so that none is left out; null: it can.</summary>
    public string? Untold { get; init; }
}

/// <summary>
/// Scores production on the validation rows of a new version as it serves: the columns before anything was filled in, with its own fillings and categories.
/// What a text of the file means (missing values, numbers, dates) is as the new version's data was read; where production reads it otherwise, that is told.
/// Where production cannot take every one of the rows there is no comparison.
/// </summary>
public sealed class ProductionComparison(
    DatasetStore datasets, ArtifactStore artifacts, FeatureFunctions functions, DuckDb duckDb, PipelineOptions options)
{
    /// <param name="version">The new version.</param>
    /// <param name="production">The version in production.</param>
    /// <param name="validation">The new version's validation rows.</param>
    /// <param name="warn">Takes what is to be known of the comparison, also where it comes to none.</param>
    /// <param name="cancel">Ends it early.</param>
    /// <exception cref="InputException">The two cannot be compared; each reason is a sentence.</exception>
    internal async Task<ScoredTogether> ScoreAsync(
        ModelVersion version, ModelVersion production, DatasetManifest validation, Action<Warning> warn, CancellationToken cancel)
    {
        var mine = await StoredModel.LoadAsync(artifacts, version.ToFiles(), cancel);
        var theirs = await StoredModel.LoadAsync(artifacts, production.ToFiles(), cancel);
        var target = mine.Featurizer.Target;
        CheckTarget(target, theirs.Featurizer.Target, production.Version);
        var raw = await RowsBeforeFilling.OfAsync(datasets, validation, cancel);
        CheckColumns(raw.Manifest, theirs.Featurizer, production.Version);
        var file = await Ancestors.FindAsync(datasets, validation, version => version.Notes.ContainsKey(DatasetNotes.Examples), cancel);
        var examples = file is null ? new Dictionary<string, ColumnExample>() : ColumnExample.Of(file);
        foreach (var warning in CellDifferences.Tell(raw.Manifest, theirs.Featurizer, production.Version, examples))
        {
            warn(warning);
        }
        var trained = await FindTrainedAsync(production, cancel);
        var same = trained is null ? null : new TrainedRows(raw.Manifest, trained.Manifest, theirs.Featurizer, target).SameSql();
        var untold = trained is null ? $"its training rows (dataset version {production.Lineage.Train}) are gone"
            : same is null ? "none of its columns is stored alike in its training rows"
            : null;
        return await Task.Run(
            () =>
            {
                using var session = duckDb.Open(raw.Manifest.Columns.Count, cancel);
                var folder = datasets.NewDraftFolder();
                try
                {
                    var rows = trained is null || same is null ? raw : Common(session, raw, trained, same, Path.Combine(folder, "rows.parquet"));
                    CheckMissing(session, rows, theirs.Featurizer, production.Version);
                    var (scored, inProduction) = (Score(session, rows, mine, target), Score(session, rows, theirs, target));
                    return new ScoredTogether(scored, inProduction, validation.Rows - rows.Manifest.Rows) { Untold = untold };
                }
                finally
                {
                    Directory.Delete(folder, recursive: true);
                }
            },
            cancel);
    }

    private static void CheckTarget(TargetColumn mine, TargetColumn theirs, int production)
    {
        if (mine.Name != theirs.Name || mine.Task != theirs.Task)
        {
            throw new InputException($"Version {production} predicts '{theirs.Name}' ({DefinitionNames.Tasks.NameOf(theirs.Task)}), the new one '{mine.Name}' "
                + $"({DefinitionNames.Tasks.NameOf(mine.Task)}).");
        }
        if (mine.Task == TaskKind.Binary && !(Means(mine.Positive!, theirs.Positive!) && Means(mine.Negative!, theirs.Negative!)))
        {
            throw new InputException($"Version {production} tells '{theirs.Positive}' from '{theirs.Negative}', the new one '{mine.Positive}' from "
                + $"'{mine.Negative}': spell the target as before, or set 'positive'.");
        }
    }

    /// <summary>The same text, or two spellings of the same boolean.</summary>
    private static bool Means(string mine, string theirs) => mine == theirs
        || (BooleanText.TryRead(System.Text.Encoding.UTF8.GetBytes(mine), out var one) && BooleanText.TryRead(
            System.Text.Encoding.UTF8.GetBytes(theirs), out var other)
            && one == other);

    private static void CheckColumns(DatasetManifest raw, Featurizer production, int version)
    {
        var columns = raw.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
        var problems = new List<string>();
        foreach (var input in production.Inputs)
        {
            if (!columns.TryGetValue(input.Name, out var column))
            {
                problems.Add($"Column '{input.Name}', which version {version} reads, is not in the data.");
            }
            else if (column.Type != input.Type)
            {
                problems.Add($"Column '{input.Name}' is {DefinitionNames.Kinds.NameOf(column.Kind)} in the data, and version {version} reads it as "
                    + $"{DefinitionNames.Kinds.NameOf(input.Kind)}.");
            }
        }
        if (problems.Count > 0)
        {
            throw new InputException(problems);
        }
    }

    private static void CheckMissing(DuckDbSession session, LocalTable rows, Featurizer production, int version)
    {
        var needed = production.Inputs.Where(input => input is { Optional: false, Imputed: null }).ToList();
        if (needed.Count == 0)
        {
            return;
        }
        var counts = session.Rows($"SELECT {string.Join(", ", needed.Select(input => $"count(*) - count({Sql.Name(input.Name)})"))} FROM {rows.ToSql()}")[0];
        var problems = needed.Zip(counts, (input, count) => (input.Name, Missing: Convert.ToInt64(count, CultureInfo.InvariantCulture)))
            .Where(column => column.Missing > 0)
            .Select(column => string.Create(
                CultureInfo.InvariantCulture,
                $"Column '{column.Name}' has no value in {column.Missing:N0} of {rows.Manifest.Rows:N0} rows, and version {version} "
                    + $"has nothing to fill it with."))
            .ToList();
        if (problems.Count > 0)
        {
            throw new InputException(problems);
        }
    }

    /// <summary>The rows that production was trained on, as they were before anything was filled in; null where they are gone.</summary>
    private async Task<LocalTable?> FindTrainedAsync(ModelVersion production, CancellationToken cancel) =>
        await datasets.FindAsync(production.Lineage.Train, cancel) is { } train && await datasets.FindHolderAsync(train, cancel) is not null
            ? await RowsBeforeFilling.OfAsync(datasets, train, cancel)
            : null;

    /// <summary>The rows that production was not trained on.</summary>
    /// <param name="session">Reads them.</param>
    /// <param name="validation">All rows, <c>v</c>.</param>
    /// <param name="trained">Those that production was trained on, <c>t</c>.</param>
    /// <param name="same">When two rows are the same, in SQL.</param>
    /// <param name="path">Where the rows are written to.</param>
    private static LocalTable Common(DuckDbSession session, LocalTable validation, LocalTable trained, string same, string path)
    {
        if (session.Count($"SELECT count(*) FROM {validation.ToSql()} AS v SEMI JOIN {trained.ToSql()} AS t ON ({same})") == 0)
        {
            return validation;
        }
        var rows = session.Copy($"SELECT * FROM {validation.ToSql()} AS v ANTI JOIN {trained.ToSql()} AS t ON ({same})", path);
        return new LocalTable(validation.Manifest with { Selection = null, Rows = rows }, [path]);
    }

    private ScoredRows Score(DuckDbSession session, LocalTable rows, StoredModel model, TargetColumn target)
    {
        var own = model.Featurizer.Target;
        var featurizer = model.Featurizer with { Target = target, Scale = null };
        functions.Require(featurizer.Derived);
        var imputed = featurizer.Inputs.Where(input => input.Imputed is not null)
            .ToDictionary(input => input.Name, input => input.Imputed!, StringComparer.Ordinal);
        var filled = new LocalTable(
            rows.Manifest with { Selection = null, Projection = Imputation.Columns(rows.Manifest.Columns, imputed), Notes = [] }, [], rows);
        if (target.Classes is not { } classes || classes.SequenceEqual(own.Classes!))
        {
            return Evaluation.Score(model.Transformer, FeatureTable.Load(session, filled, featurizer), options.Threads, model.Featurizer.Scale);
        }
        // Each version knows the classes of its own data: what the other one has beside them it gives no probability to.
        var table = FeatureTable.Load(session, filled, featurizer with { Target = own });
        var predicted = Evaluation.Predict(model.Transformer, table, options.Threads);
        var places = own.Classes!.Select((name, place) => (name, place)).ToDictionary(StringComparer.Ordinal);
        var scores = new double[table.Rows * classes.Count];
        for (var row = 0; row < table.Rows; row++)
        {
            for (var place = 0; place < classes.Count; place++)
            {
                scores[(row * classes.Count) + place] = places.TryGetValue(classes[place], out var theirs) ? predicted[(row * own.Outputs) + theirs] : 0;
            }
        }
        return Evaluation.Beside(scores, FeatureTable.Load(session, filled, featurizer));
    }
}
