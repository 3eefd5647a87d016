using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
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
    DatasetStore datasets, ArtifactStore artifacts, TrainedModels models, ModelRegistry registry, RunStore runs, PromotionChecks checks,
    WinnerMeasures measures)
    : IStage<ValidateInput, ValidateOutput>
{
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
        context.Warn((input.Failures ?? []).Select(failure => new Warning(WarningCodes.CandidateFailed, $"Candidate {failure}") { Headline = true }));
        var (metric, largerIsBetter) = Evaluation.DecidingMetric(definition.Gates, TargetColumn.Of(manifest).Task);
        var outOfFold = TrainedCandidate.OutOfFold + metric;
        var chosenBy = input.Candidates.All(candidate => candidate.Metrics.ContainsKey(outOfFold)) ? outOfFold : metric;
        var winner = Best(input.Candidates, chosenBy, largerIsBetter);

        foreach (var candidate in input.Candidates)
        {
            context.Log($"{candidate.Key}: {chosenBy} {candidate.Metrics[chosenBy]:G6}{(candidate == winner ? ", the best" : "")}");
        }

        var files = await models.FilesAsync(winner.ModelBlobs, cancel);
        var stored = await StoredModel.LoadAsync(artifacts, files, cancel);
        var differences = SignatureCheck.Differences(stored.Signature.Features, FeaturesOf(manifest));
        if (differences.Count > 0)
        {
            throw new InputException([$"The model {winner.Key} does not fit the validation data:", .. differences]);
        }
        var validation = await measures.PredictAsync(context, stored, manifest, cancel);
        WinnerMeasures.WarnOfLeaks(context, manifest, validation);
        var predicted = Evaluation.Beside(validation.Predictions, validation.Table);
        var measured = predicted.Metrics();
        var metrics = measured.ToDictionary(pair => WinnerMetrics.Validation + pair.Key, pair => pair.Value);

        var logged = WithIntervals(WinnerMetrics.Validation, predicted);
        PredictedTable? testRows = null;
        if (input.Test is { } test)
        {
            testRows = await measures.PredictAsync(context, stored, await datasets.GetAsync(test.Id, cancel), cancel);
            var tested = WithIntervals(WinnerMetrics.Test, Evaluation.Beside(testRows.Predictions, testRows.Table));
            foreach (var (name, value) in tested)
            {
                logged[name] = value;
            }
            foreach (var (name, value) in tested.Where(pair => pair.Key.StartsWith(WinnerMetrics.Test, StringComparison.Ordinal)))
            {
                metrics[name] = value;
            }
        }
        var sureness = await measures.IntervalsAsync(context, stored, files, input, validation, testRows, cancel);
        foreach (var (name, value) in sureness)
        {
            logged[WinnerMetrics.Validation + name] = value;
            metrics[WinnerMetrics.Validation + name] = value;
        }
        await measures.KeepReferenceAsync(context, stored, files, validation, input.Train, cancel);
        if (input.Train is { } train)
        {
            await measures.KeepLearningCurveAsync(context, stored, winner.Key, train, validation, metric, cancel);
            foreach (var (name, value) in await measures.BaselineAsync(context, predicted, train, metric, largerIsBetter, cancel))
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
        IReadOnlyList<Reason> failed =
        [
            .. BlockedBy(definition.Gates, metric, measured[metric]),
            .. WinnerIntervals.BlockedBy(definition.Gates.Interval, sureness),
            .. await measures.SlicesAsync(context, stored, files, input.Train, validation, manifest, cancel),
        ];
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
                Rows = new ValidationRows(validation.Table, validation.Predictions),
            };
            failed = [.. failed, .. await CheckAsync(context, candidate, cancel)];
        }
        foreach (var (name, value) in metrics)
        {
            context.Log($"{name} {value:G6}");
        }
        context.Log($"gates: {(failed.Count == 0 ? "all of this stage hold" : string.Join("; ", failed.Texts()))}");
        return new ValidateOutput(winner, metrics, failed, new StageReport(manifest.Rows));
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
            version, registered.Metrics.Where(metric => metric.Key.StartsWith(WinnerMetrics.Validation, StringComparison.Ordinal))
                .ToDictionary(metric => metric.Key[WinnerMetrics.Validation.Length..], metric => metric.Value));
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
