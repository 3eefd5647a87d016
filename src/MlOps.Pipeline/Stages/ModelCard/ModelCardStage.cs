using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports;
using MlOps.Pipeline.Reports.Card;
using MlOps.Pipeline.Reports.Drift;
using MlOps.Pipeline.Reports.Explain;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.ModelCard;

/// <param name="Version">The version it registered.</param>
/// <param name="Previous">The version in production before.</param>
/// <param name="Promoted">Whether the version went into production.</param>
/// <param name="BlockedBy">Why not.</param>
/// <param name="Candidates">What was trained.</param>
public sealed record ModelCardInput(
    int Version, int? Previous, bool Promoted, IReadOnlyList<Reason> BlockedBy, IReadOnlyList<TrainedCandidate> Candidates);

public sealed record ModelCardOutput(StageReport Report) : IStageOutput;

/// <summary>Writes down what a person needs to know before relying on a version: as a page and as Markdown.</summary>
public sealed class ModelCardStage(
    DatasetStore datasets, ModelRegistry registry, ArtifactStore artifacts, RunStore runs, FeatureTableCache tables, ReportRenderer reports,
    PipelineOptions options)
    : IStage<ModelCardInput, ModelCardOutput>
{
    public const string Page = "model-card.html";
    public const string MarkdownFile = "model-card.md";
    public const string ConfusionFile = "confusion.csv";

    private static readonly string[] PictureFiles = [ExplanationFiles.ImportancePicture, ExplanationFiles.SummaryPicture];

    public static string Name => "model-card";

    public async Task<ModelCardOutput> RunAsync(StageContext context, ModelCardInput input, CancellationToken cancel)
    {
        var data = await CollectAsync(context, input, cancel);
        var page = await reports.RenderAsync<ModelCardPage>(new Dictionary<string, object?> { [nameof(ModelCardPage.Data)] = data });
        if (data.Performance.Confusion is { } confusion)
        {
            await artifacts.SaveAsync(context.RunId, ConfusionFile, $"{context.RunId}/{ConfusionFile}", confusion.ToCsv(), cancel);
        }
        await artifacts.SaveAsync(context.RunId, Page, $"{context.RunId}/{Page}", page, cancel);
        await artifacts.SaveAsync(context.RunId, MarkdownFile, $"{context.RunId}/{MarkdownFile}", BinaryData.FromString(ModelCardMarkdown.Of(data)), cancel);
        return new ModelCardOutput(new StageReport());
    }

    private async Task<CardData> CollectAsync(StageContext context, ModelCardInput input, CancellationToken cancel)
    {
        var version = await registry.GetAsync(context.Model, input.Version, cancel);
        var definition = await context.GetDefinitionAsync(cancel);
        var details = await runs.FindDetailsAsync(context.RunId, cancel) ?? throw new InvalidOperationException($"Run {context.RunId} has no row.");
        var manifests = await ManifestsAsync(version.Lineage, cancel);
        var stored = await StoredModel.LoadAsync(artifacts, version.ToFiles(), cancel);
        var drift = await FindAsync(details, DriftReport.FileName, cancel) is { } json ? Json.Read<DriftReport>(json.ToString()) : null;
        var slices = await FindAsync(details, SliceReport.FileName, cancel) is { } sliced ? Json.Read<IReadOnlyList<SliceReport>>(sliced.ToString()) : [];
        var metric = Evaluation.DecidingMetric(definition.Gates, version.Task).Name;
        var production = details.Metrics.TryGetValue(ProductionMetrics.Prefix + metric, out var measured) ? measured : (double?)null;
        return new CardData
        {
            Version = version,
            Definition = definition,
            Featurizer = stored.Featurizer,
            Source = details.Run.Source,
            StartedFor = details.Run.Reason is { } reason ? $"{details.Run.Trigger}: {reason}" : null,
            Promoted = input.Promoted,
            BlockedBy = input.BlockedBy.Texts(),
            Warnings = [.. StageWarnings.Of(details.Stages.OrderBy(stage => stage.Started)).Select(told => told.Warning)],
            Intervals = Intervals(details.Metrics, WinnerMetrics.Validation),
            PredictionIntervals = CardIntervals.Of(details),
            Slices = slices,
            Test = Prefixed(version.Metrics, WinnerMetrics.Test) is { Count: > 0 } tested
                ? new CardTest(tested, Intervals(details.Metrics, WinnerMetrics.Test))
                : null,
            Datasets =
            [
                .. manifests.Select(
                    found => new CardDataset(found.Role, found.Manifest.Id, found.Manifest.Rows, found.Manifest.Parents, found.Manifest.Created)
                    {
                        SampledFrom = found.Manifest.Notes[DatasetNotes.SampledFrom]?.GetValue<long>(),
                    })
            ],
            Dropped = Dropped(manifests.Single(found => found.Manifest.Id == version.Lineage.Clean).Manifest),
            HyperParameters = Prefixed(details.Params, $"{version.Candidate}."),
            Candidates = [.. input.Candidates.Select(candidate => new CardCandidate(candidate.Key, candidate.Key == version.Candidate, candidate.Metrics))],
            Baseline = Prefixed(details.Metrics, BaselineMetrics.Prefix),
            Previous = input.Previous is { } previous ? await PreviousAsync(context.Model, previous, details, metric, cancel) : null,
            Performance = await PredictAsync(stored, manifests.Single(found => found.Manifest.Id == version.Lineage.Validation).Manifest, cancel),
            Gates = CardGates.Of(new GateFacts
            {
                Rules = definition.Gates,
                Expectations = Expectation.Of(definition.Expect),
                Expected = Prefixed(details.Params, ExpectOutcomes.ParamPrefix),
                Metric = metric,
                Value = version.Metrics[WinnerMetrics.Validation + metric],
                Production = production,
                Untold = details.Params.GetValueOrDefault(ProductionMetrics.Untold),
                Previous = input.Previous,
                Intervals = CardIntervals.Of(details),
                Slices = slices,
                Checks = Prefixed(details.Params, CheckOutcomes.ParamPrefix),
                Drift = drift,
                Approval = details.Run.Approval,
                Canary = definition.Traffic.Canary,
                Promoted = input.Promoted,
                BlockedBy = input.BlockedBy,
            }),
            Drift = drift,
            Pictures = await PicturesAsync(details, cancel),
            Artifacts =
            [
                .. details.Artifacts.Where(artifact => artifact.Path is not (Page or MarkdownFile))
                    .OrderBy(artifact => artifact.Path.Contains('/', StringComparison.Ordinal)).ThenBy(artifact => artifact.Path, StringComparer.Ordinal)
            ],
        };
    }

    private async Task<IReadOnlyList<(string Role, DatasetManifest Manifest)>> ManifestsAsync(ModelLineage lineage, CancellationToken cancel)
    {
        (string Role, string Id)[] versions =
        [
            ("raw", lineage.Raw), ("clean", lineage.Clean), ("features", lineage.Features), ("train", lineage.Train), ("validation", lineage.Validation),
            .. lineage.Test is { } test ? new[] { ("test", test) } : [],
        ];
        var manifests = await Task.WhenAll(versions.Select(version => datasets.GetAsync(version.Id, cancel)));
        var found = versions.Zip(manifests, (version, manifest) => (version.Role, Manifest: manifest)).ToList();
        var clean = found.FindIndex(version => version.Manifest.Id == lineage.Clean);
        if (found[clean].Manifest.Projection is not null)
        {
            // Where nulls are filled, the clean table is a view of the rows that were kept.
            found.Insert(clean, ("rows kept", await datasets.GetAsync(found[clean].Manifest.Parents[0], cancel)));
        }
        return found;
    }

    private static Dictionary<string, (double Low, double High)> Intervals(IReadOnlyDictionary<string, double> metrics, string prefix) =>
        Prefixed(metrics, IntervalMetrics.Low + prefix).Where(low => metrics.ContainsKey($"{IntervalMetrics.High}{prefix}{low.Key}"))
            .ToDictionary(low => low.Key, low => (low.Value, metrics[$"{IntervalMetrics.High}{prefix}{low.Key}"]));

    private static Dictionary<string, long> Dropped(DatasetManifest clean) =>
        clean.Notes[DatasetNotes.Dropped]!.AsObject().ToDictionary(reason => reason.Key, reason => reason.Value!.GetValue<long>());

    /// <summary>As measured on this run's rows when it was compared with; else as it was registered.</summary>
    private async Task<CardPrevious> PreviousAsync(string model, int previous, RunDetails details, string metric, CancellationToken cancel)
    {
        var rescored = Prefixed(details.Metrics, ProductionMetrics.Prefix);
        return rescored.Count > 0
            ? new CardPrevious(previous, rescored, OnSameRows: true) { Gain = GainOf(details.Metrics, metric) }
            : new CardPrevious(previous, Prefixed((await registry.GetAsync(model, previous, cancel)).Metrics, WinnerMetrics.Validation), OnSameRows: false);
    }

    private static CardGain? GainOf(IReadOnlyDictionary<string, double> metrics, string metric)
    {
        const string Name = ProductionMetrics.Gain;
        (double, double)? interval =
            metrics.TryGetValue(IntervalMetrics.Low + Name, out var low) && metrics.TryGetValue(IntervalMetrics.High + Name, out var high)
                ? (low, high)
                : null;
        return metrics.TryGetValue(Name, out var gain) ? new CardGain(metric, gain, interval) : null;
    }

    private async Task<Performance> PredictAsync(StoredModel stored, DatasetManifest validation, CancellationToken cancel)
    {
        var table = await tables.GetAsync(validation, stored.Featurizer, cancel);
        var predictions = await Task.Run(() => Evaluation.Predict(stored.Transformer, table, options.Threads, stored.Featurizer.Scale), cancel);
        var target = stored.Featurizer.Target;
        return new Performance(target.Task, table.Labels, predictions)
        {
            Confusion = target.Classes is { } classes ? ConfusionMatrix.Of(classes, table.Labels, predictions) : null,
        };
    }

    private async Task<IReadOnlyDictionary<string, BinaryData>> PicturesAsync(RunDetails details, CancellationToken cancel)
    {
        var pictures = new Dictionary<string, BinaryData>();
        foreach (var file in PictureFiles)
        {
            if (await FindAsync(details, file, cancel) is { } content)
            {
                pictures[file] = content;
            }
        }
        return pictures;
    }

    private async Task<BinaryData?> FindAsync(RunDetails details, string path, CancellationToken cancel) =>
        details.Artifacts.FirstOrDefault(artifact => artifact.Path == path) is { } artifact ? await artifacts.FindAsync(artifact.Blob, cancel) : null;

    private static Dictionary<string, T> Prefixed<T>(IReadOnlyDictionary<string, T> values, string prefix) =>
        values.Where(value => value.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(value => value.Key[prefix.Length..], value => value.Value);
}
