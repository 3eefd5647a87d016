using Microsoft.ML;
using MlOps.Drift.Profiles;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports.Charts;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Signals;

/// <summary>
/// The rows of a window, and the version that predicted them. What several signals need is read once, when the first asks for it. Signals are evaluated one
/// after the other.
/// </summary>
internal sealed class SignalWindow
{
    /// <summary>Numbers of rows that are held in memory: 32 MB.</summary>
    private const int MostValues = 8_000_000;

    private const int FewestRows = 500;

    private readonly SignalSources sources;
    private MonitoringReference? reference;
    private bool hasReference;
    private StoredModel? model;
    private ScoredWindow? scored;

    /// <param name="version">The version.</param>
    /// <param name="definition">The model's definition.</param>
    /// <param name="live">Its rows, compared with those of training.</param>
    /// <param name="sources">Where more is read.</param>
    public SignalWindow(ModelVersion version, PipelineDefinition definition, LiveComparison live, SignalSources sources)
    {
        (Version, Definition, Live) = (version, definition, live);
        this.sources = sources;
    }

    /// <summary>What all versions did in the window.</summary>
    public required LiveTraffic Traffic { get; init; }

    /// <summary>Reads what the version predicted so long before, with what came true of it since.</summary>
    public required Func<TimeSpan, CancellationToken, Task<EarlierWindow>> EarlierAsync { get; init; }

    public ModelVersion Version { get; }

    public PipelineDefinition Definition { get; }

    public LiveComparison Live { get; }

    public int Threads => sources.Options.Threads;

    /// <summary>The metric that decides about the model, and whether larger is better.</summary>
    public (string Name, bool LargerIsBetter) Metric => Evaluation.DecidingMetric(Definition.Gates, Version.Task);

    /// <summary>A metric of the version on its validation rows; null where it was not measured.</summary>
    public double? OnValidation(string metric) => Version.Metrics.TryGetValue(WinnerMetrics.Validation + metric, out var value) ? value : null;

    /// <summary>What the version was like on its validation rows.</summary>
    /// <exception cref="InputException">That was not kept, or was changed since.</exception>
    public async Task<MonitoringReference> ReferenceAsync(CancellationToken cancel) =>
        await FindReferenceAsync(cancel) ?? throw new InputException(
            $"Version {Version.Version} was made by a release that kept nothing of its validation rows to compare with; the next run's version has it.");

    /// <summary>The same; null where it was not kept.</summary>
    public async Task<MonitoringReference?> FindReferenceAsync(CancellationToken cancel)
    {
        if (!hasReference)
        {
            reference = await FindAsync(MonitoringReference.File, cancel) is { } found ? Stored.Read<MonitoringReference>(found.ToString()) : null;
            hasReference = true;
        }
        return reference;
    }

    /// <summary>A file of the version; null where there is none.</summary>
    /// <exception cref="InputException">It was changed since it was stored.</exception>
    public Task<BinaryData?> FindAsync(string file, CancellationToken cancel) => Version.ToFiles().FindAsync(sources.Artifacts, file, cancel);

    /// <summary>Profiles of what the version predicted of its validation rows.</summary>
    public async Task<TableProfile> ReferencePredictionsAsync(CancellationToken cancel)
    {
        await ReferenceAsync(cancel);
        return ProfileFile.Read((await Version.ToFiles().ReadAsync(sources.Artifacts, MonitoringReference.PredictionsFile, cancel)).ToStream());
    }

    /// <summary>A model of the version's errors.</summary>
    public async Task<ITransformer> ErrorModelAsync(string file, CancellationToken cancel) =>
        StoredModel.Load(await Version.ToFiles().ReadAsync(sources.Artifacts, file, cancel));

    public async Task<StoredModel> ModelAsync(CancellationToken cancel) =>
        model ??= await StoredModel.LoadAsync(sources.Artifacts, Version.ToFiles(), cancel);

    /// <summary>
    /// The rows as the model sees them, with what it predicts: all of them, or of tables that are too wide for that, rows at equal distances. What it predicts
    /// is computed again, as the log does not have the probability of every class.
    /// </summary>
    public async Task<ScoredWindow> ScoredAsync(CancellationToken cancel)
    {
        if (scored is null)
        {
            scored = await ScoreAsync(Live.Table, cancel);
        }
        return scored;
    }

    /// <summary>The same of other rows.</summary>
    public async Task<ScoredWindow> ScoreAsync(LiveTable table, CancellationToken cancel)
    {
        var stored = await ModelAsync(cancel);
        return await Task.Run(() => Score(stored, table, cancel), cancel);
    }

    private ScoredWindow Score(StoredModel stored, LiveTable live, CancellationToken cancel)
    {
        sources.Functions.Require(stored.Featurizer.Derived);
        // How rows counted in learning is of no matter here, and its column is not sent.
        var featurizer = stored.Featurizer with { Weights = null, Scale = null };
        var (rows, target) = (live.Rows, Sql.Name(featurizer.Target.Name));
        using var session = sources.DuckDb.Open(rows.Manifest.Columns.Count, cancel);
        // Of each class a probability is held, and another after calibration, twice as long as a feature.
        var most = Math.Max(FewestRows, MostValues / (featurizer.Signature.Features.Count + (4 * featurizer.Target.Outputs)));
        if (rows.Manifest.Rows > most)
        {
            var every = (rows.Manifest.Rows + most - 1) / most;
            var path = Path.Combine(Path.GetDirectoryName(rows.Paths[0])!, "some.parquet");
            var taken = session.Copy(
                $"SELECT * EXCLUDE (file_row_number) FROM read_parquet({Sql.Files(rows.Paths)}, file_row_number = true) "
                    + $"WHERE file_row_number % {Sql.Number(every)} = 0 ORDER BY file_row_number",
                path);
            rows = rows with { Manifest = rows.Manifest with { Rows = taken }, Paths = [path] };
        }
        var table = FeatureTable.Load(session, rows, featurizer);
        var isKnown = new bool[table.Rows];
        var start = 0;
        session.Read($"SELECT {target} IS NOT NULL FROM {rows.ToSql()}", (vectors, count) =>
        {
            vectors[0].Values<bool>(count).CopyTo(isKnown.AsSpan(start, count));
            start += count;
        });
        return new ScoredWindow(table, Evaluation.Predict(stored.Transformer, table, Threads, stored.Featurizer.Scale), isKnown);
    }
}

/// <summary>Rows of a time before the window.</summary>
/// <param name="Time">When they were predicted.</param>
/// <param name="Table">The rows; null where nothing was predicted.</param>
internal sealed record EarlierWindow(LiveWindow Time, LiveTable? Table);

/// <summary>Rows with what the version predicts of them.</summary>
/// <param name="Table">The rows.</param>
/// <param name="Predictions">See <see cref="Evaluation.Predict"/>.</param>
/// <param name="IsKnown">Whether it is known what came true of a row.</param>
internal sealed record ScoredWindow(FeatureTable Table, double[] Predictions, bool[] IsKnown)
{
    /// <summary>All rows; labels mean nothing where nothing is known.</summary>
    public ScoredRows All => Evaluation.Beside(Predictions, Table);

    /// <summary>The rows of which it is known what came true.</summary>
    public ScoredRows Known()
    {
        var all = All;
        int[] rows = [.. Enumerable.Range(0, all.Count).Where(row => IsKnown[row] && (all.Classes > 1 || double.IsFinite(all.Labels[row])))];
        return all with
        {
            Labels = [.. rows.Select(row => all.Labels[row])],
            Scores = [.. rows.SelectMany(row => all.Of(row).ToArray())],
        };
    }

    /// <summary>Some rows, at equal distances.</summary>
    public int[] Sample(int most) => Chart.Sample(Table.Rows, most);
}

/// <summary>Where signals read what they need.</summary>
internal sealed record SignalSources(ArtifactStore Artifacts, FeatureFunctions Functions, DuckDb DuckDb, PipelineOptions Options);
