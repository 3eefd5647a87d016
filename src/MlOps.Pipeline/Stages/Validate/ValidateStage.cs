using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Validate;

/// <param name="Candidates">What was trained.</param>
/// <param name="Validation">Validation rows.</param>
/// <param name="Failures">Why other candidates could not be trained, each with its key; null: there are none.</param>
/// <param name="Test">Rows that choose nothing; null: there are none.</param>
/// <param name="Train">Training rows, which the baseline is made of; null: a run of an earlier release goes on, and has none.</param>
public sealed record ValidateInput(
    IReadOnlyList<TrainedCandidate> Candidates, DatasetRef Validation, IReadOnlyList<string>? Failures = null, DatasetRef? Test = null,
    DatasetRef? Train = null);

/// <param name="Winner">The candidate that goes on.</param>
/// <param name="Metrics">Its <c>val_*</c> metrics, and <c>test_*</c> where there are test rows.</param>
/// <param name="BlockedBy">Gates that do not hold, one sentence each; empty when all hold.</param>
/// <param name="Report">The stage's account.</param>
public sealed record ValidateOutput(
    TrainedCandidate Winner, IReadOnlyDictionary<string, double> Metrics, IReadOnlyList<Reason> BlockedBy, StageReport Report) : IStageOutput;

/// <summary>
/// Takes the best candidate, loads it afresh from storage, checks its signature against the validation rows, measures it on them and
/// applies the metric gates and the checks that the definition names.
/// </summary>
public sealed class ValidateStage(
    DatasetStore datasets, ArtifactStore artifacts, TrainedModels models, ModelRegistry registry, RunStore runs, FeatureTableCache tables,
    PromotionChecks checks, DuckDb duckDb, PipelineOptions options)
    : IStage<ValidateInput, ValidateOutput>
{
    private const string MetricPrefix = "val_";
    private const string TestPrefix = "test_";
    private const string SelectedParam = "selectedOnSameRows";

    public static string Name => "validate";

    /// <exception cref="InputException">The model's signature differs from the validation data; every difference is listed.</exception>
    public async Task<ValidateOutput> RunAsync(StageContext context, ValidateInput input, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var manifest = await datasets.GetAsync(input.Validation.Id, cancel);
        if (input.Candidates.Count == 0)
        {
            throw new InputException(["No candidate could be trained.", .. input.Failures ?? []]);
        }
        context.Warn((input.Failures ?? []).Select(failure => new Warning($"Candidate {failure}") { Headline = true }));
        var (metric, largerIsBetter) = Evaluation.DecidingMetric(definition.Gates, TargetColumn.Of(manifest).Task);
        var outOfFold = TrainedCandidate.OutOfFold + metric;
        var chosenBy = input.Candidates.All(candidate => candidate.Metrics.ContainsKey(outOfFold)) ? outOfFold : metric;
        var winner = Best(input.Candidates, chosenBy, largerIsBetter);

        var stored = await StoredModel.LoadAsync(artifacts, await models.FilesAsync(winner.ModelBlobs, cancel), cancel);
        var differences = SignatureCheck.Differences(stored.Signature.Features, FeaturesOf(manifest));
        if (differences.Count > 0)
        {
            throw new InputException([$"The model {winner.Key} does not fit the validation data:", .. differences]);
        }
        var table = await tables.GetAsync(manifest, stored.Featurizer, cancel);
        var predicted = await Task.Run(() => Evaluation.Score(stored.Transformer, table, options.Threads, stored.Featurizer.Scale), cancel);
        var measured = predicted.Metrics();
        var metrics = measured.ToDictionary(pair => MetricPrefix + pair.Key, pair => pair.Value);

        var logged = WithIntervals(MetricPrefix, predicted);
        if (input.Test is { } test)
        {
            var tested = WithIntervals(TestPrefix, await ScoreAsync(stored, await datasets.GetAsync(test.Id, cancel), cancel));
            foreach (var (name, value) in tested)
            {
                logged[name] = value;
            }
            foreach (var (name, value) in tested.Where(pair => pair.Key.StartsWith(TestPrefix, StringComparison.Ordinal)))
            {
                metrics[name] = value;
            }
        }
        if (input.Train is { } train)
        {
            foreach (var (name, value) in await CompareWithBaselineAsync(context, predicted, train, metric, largerIsBetter, cancel))
            {
                logged[BaselineMetrics.Prefix + name] = value;
            }
        }
        await context.LogMetricsAsync(logged, cancel);
        await context.LogParamsAsync(
            new Dictionary<string, string>
            {
                ["winner"] = winner.Key,
                ["chosenBy"] = chosenBy,
                [SelectedParam] = input.Candidates.Count > 1 && chosenBy == metric ? "true" : "false",
            },
            cancel);
        await ListWinnerAsync(context.RunId, winner, cancel);
        var failed = BlockedBy(definition.Gates, metric, measured[metric]);
        if (definition.Gates.Checks.Count > 0)
        {
            var candidate = new PromotionCandidate
            {
                RunId = context.RunId,
                Key = winner.Key,
                Definition = definition,
                Target = stored.Featurizer.Target,
                Validation = input.Validation,
                Metrics = measured,
                Production = await FindProductionAsync(context.Model, cancel),
                Rows = new ValidationRows(table, predicted.Scores),
            };
            failed = [.. failed, .. await CheckAsync(context, candidate, cancel)];
        }
        return new ValidateOutput(winner, metrics, failed, new StageReport(manifest.Rows));
    }

    private async Task<ScoredRows> ScoreAsync(StoredModel stored, DatasetManifest manifest, CancellationToken cancel)
    {
        var table = await tables.GetAsync(manifest, stored.Featurizer, cancel);
        return await Task.Run(() => Evaluation.Score(stored.Transformer, table, options.Threads, stored.Featurizer.Scale), cancel);
    }

    /// <summary>What the baseline comes to on the same rows. Where the winner is not better for sure, that is the first thing to know of it.</summary>
    private async Task<IEnumerable<KeyValuePair<string, double>>> CompareWithBaselineAsync(
        StageContext context, ScoredRows winner, DatasetRef train, string metric, bool largerIsBetter, CancellationToken cancel)
    {
        var rows = await datasets.OpenAsync(await datasets.GetAsync(train.Id, cancel), cancel);
        var target = TargetColumn.Of(rows.Manifest);
        return await Task.Run(
            () =>
            {
                using var session = duckDb.Open(rows.Manifest.Columns.Count, cancel);
                var mean = Baseline.MeanOf(session, rows, target);
                var baseline = Baseline.Beside(winner, mean);
                var metrics = baseline.Metrics();
                var gain = MetricIntervals.OfDifference(winner, baseline, metric);
                if (gain is not null && !(largerIsBetter ? gain.Low > 0 : gain.High < 0))
                {
                    context.Warn(new Warning(string.Create(
                        CultureInfo.InvariantCulture,
                        $"Nothing shows that the model is better than always predicting {Baseline.Describe(target, mean)}: {metric} is "
                            + $"{winner.Metrics()[metric]:G6} against {metrics[metric]:G6} on {winner.Count:N0} validation rows (95 % interval of the "
                            + $"difference: {gain.Low:G4} to {gain.High:G4})."))
                    {
                        Headline = true,
                    });
                }
                return metrics.Where(measured => measured.Key != "threshold");
            },
            cancel);
    }

    private static Dictionary<string, double> WithIntervals(string prefix, ScoredRows rows)
    {
        var logged = new Dictionary<string, double>();
        foreach (var (name, value) in rows.Metrics())
        {
            logged[prefix + name] = value;
            if (name != "threshold" && MetricIntervals.Of(rows, name) is { } interval)
            {
                logged[$"{IntervalMetrics.Low}{prefix}{name}"] = interval.Low;
                logged[$"{IntervalMetrics.High}{prefix}{name}"] = interval.High;
            }
        }
        return logged;
    }

    /// <summary>Runs the checks that the definition names; what each came to stands on the run.</summary>
    private async Task<IReadOnlyList<Reason>> CheckAsync(StageContext context, PromotionCandidate candidate, CancellationToken cancel)
    {
        var outcomes = await checks.RunAsync(candidate.Definition.Gates.Checks, candidate, cancel);
        await context.LogParamsAsync(
            outcomes.ToDictionary(
                outcome => CheckOutcomes.ParamPrefix + outcome.Check, outcome => outcome.Reasons is [var first, ..] ? first.Text : CheckOutcomes.Passed),
            cancel);
        return [.. outcomes.SelectMany(outcome => outcome.Reasons)];
    }

    private async Task<ProductionModel?> FindProductionAsync(string model, CancellationToken cancel)
    {
        if ((await registry.FindAsync(model, cancel))?.Production is not { } version)
        {
            return null;
        }
        var registered = await registry.GetAsync(model, version, cancel);
        return new ProductionModel(
            version, registered.Metrics.Where(metric => metric.Key.StartsWith(MetricPrefix, StringComparison.Ordinal))
                .ToDictionary(metric => metric.Key[MetricPrefix.Length..], metric => metric.Value));
    }

    private static TrainedCandidate Best(IReadOnlyList<TrainedCandidate> candidates, string metric, bool largerIsBetter)
    {
        // MinBy and MaxBy take the first of equals: the definition's order decides a tie.
        var measured = candidates.Where(candidate => !double.IsNaN(candidate.Metrics[metric])).ToList();
        var best = largerIsBetter ? measured.MaxBy(candidate => candidate.Metrics[metric]) : measured.MinBy(candidate => candidate.Metrics[metric]);
        return best ?? throw new InputException($"No candidate has a {metric} that can be measured. Give more rows, or choose another gates.metric.");
    }

    private static IReadOnlyList<SignatureColumn> FeaturesOf(DatasetManifest manifest)
    {
        var stored = manifest.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
        return [.. FeaturePlan.Of(manifest).Features.Where(feature => stored.ContainsKey(feature.Name)).Select(
            feature => new SignatureColumn(feature.Name, stored[feature.Name].Kind))];
    }

    private static IReadOnlyList<Reason> BlockedBy(GateRules gates, string metric, double value)
    {
        var failed = new List<Reason>();
        if (gates.AtMost is { } most && !(value <= most))
        {
            failed.Add(
                new Reason(string.Create(CultureInfo.InvariantCulture, $"{metric}: {value:G6} on validation is above the allowed {most:G6}"), GateKind.Metric));
        }
        if (gates.AtLeast is { } least && !(value >= least))
        {
            failed.Add(new Reason(
                string.Create(CultureInfo.InvariantCulture, $"{metric}: {value:G6} on validation is below the required {least:G6}"), GateKind.Metric));
        }
        return failed;
    }

    /// <summary>Shows the winner's files at the top of the run's artifacts.</summary>
    private async Task ListWinnerAsync(string runId, TrainedCandidate winner, CancellationToken cancel)
    {
        var files = await Task.WhenAll(StoredModel.Files.Select(file => runs.FindArtifactAsync(runId, $"{winner.Key}/{file}", cancel)));
        await runs.LogArtifactsAsync(runId, files.OfType<Artifact>().Select(artifact => artifact with { Path = Path.GetFileName(artifact.Path) }), cancel);
    }
}
