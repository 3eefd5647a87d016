using System.Globalization;
using MlOps.Drift;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Reports.Explain;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Reports.Card;

/// <summary>What page and Markdown card say alike, in words.</summary>
internal static class CardText
{
    public static string Interval(IReadOnlyDictionary<string, (double Low, double High)> intervals, string metric) =>
        intervals.TryGetValue(metric, out var interval) ? $"{Number(interval.Low)} to {Number(interval.High)}" : "";

    /// <summary>That the same rows chose and measure.</summary>
    public static string Selected(CardData data) =>
        $"The validation rows chose this version among {data.Candidates.Count} candidates (selectedOnSameRows): its metrics on them are a little too good"
        + (data.Test is null ? "." : ", those on the test rows are not.");

    /// <summary>How the version was chosen, where the validation rows had no part in it.</summary>
    public static string CrossValidated(CardData data) =>
        $"{data.ChosenBy} is measured on the training rows, each predicted by a model that did not learn from it"
        + (data.Candidates.Count > 1 ? $"; it chose this version among {data.Candidates.Count} candidates." : ".");

    /// <summary>What the baseline predicts.</summary>
    public static string Baseline(CardData data) =>
        data.Target.Task == TaskKind.Regression ? "baseline: always the training mean" : "baseline: always the most frequent class";

    /// <summary>How it stands to the version in production before; null where the two were not compared.</summary>
    public static string? Gain(CardData data) => data.Previous is { Gain: { } gain } previous
        ? $"Gain over version {previous.Version} in {gain.Metric}, on the rows by which both can be judged: {Number(gain.Value)}" + gain.Interval switch
        {
            null => ".",
            { Low: <= 0, High: >= 0 } holds0 => $" (95 % interval {Number(holds0.Low)} to {Number(holds0.High)}). The interval holds 0: the two cannot be told "
                + "apart.",
            var (low, high) => $" (95 % interval {Number(low)} to {Number(high)}). The interval does not hold 0.",
        }
        : null;

    /// <summary>That probabilities are calibrated; null where they are as the model gives them.</summary>
    public static string? Calibrated(CardData data) =>
        data.Candidates.First(candidate => candidate.IsWinner).Metrics.TryGetValue(TrainedCandidate.PlattSlope, out var slope)
            ? $"Probabilities are calibrated on {(data.IsCrossValidated ? "out-of-fold predictions" : "the validation rows")} (Platt; slope {Number(slope)}), "
                + "which lowered their log loss. SHAP values are log-odds after it."
            : null;

    public static string NotSaid(string key) => $"not said: set '{key}' in the definition";

    public static string Time(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    public static string Number(double value) => value.ToString("G5", CultureInfo.InvariantCulture);

    public static string Number(IReadOnlyDictionary<string, double> metrics, string name) => metrics.TryGetValue(name, out var value) ? Number(value) : "";

    /// <summary>A share, such as a recall; a dash where there is nothing to take a share of.</summary>
    public static string Share(double share) => double.IsNaN(share) ? "–" : share.ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>The rows of a dataset, and of how many they are a sample.</summary>
    public static string RowsOf(CardDataset dataset) =>
        dataset.SampledFrom is { } all ? $"{Count(dataset.Rows)} (a sample of {Count(all)})" : Count(dataset.Rows);

    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    public static string Size(long bytes) => bytes switch
    {
        < 1024 => $"{bytes} B",
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.#} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.#} MiB"),
    };

    /// <summary>An artifact's address beside the card.</summary>
    public static string Link(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));

    /// <summary>What a table of metrics has no room for: it is told elsewhere on the card, or stands on the run.</summary>
    private static readonly string[] Told = ["threshold", TrainedCandidate.TreesKept, TrainedCandidate.PlattSlope, TrainedCandidate.Seconds];

    /// <summary>The task's metrics in their usual order, then what else was measured.</summary>
    public static IReadOnlyList<string> MetricNames(CardData data)
    {
        var known = DefinitionNames.Metrics[data.Target.Task].Keys;
        var measured = data.Candidates.SelectMany(candidate => candidate.Metrics.Keys).Distinct().ToList();
        return
        [
            .. known.Where(measured.Contains),
            .. measured.Where(name => !known.Contains(name) && !Told.Contains(name))
                .Where(name => !CardData.IsOutOfFold(name) || name == data.ChosenBy).Order(StringComparer.Ordinal),
        ];
    }

    public static string Verdict(GateVerdict verdict) => verdict switch
    {
        GateVerdict.Passed => "passed",
        GateVerdict.Failed => "failed",
        GateVerdict.NotReached => "not reached",
        _ => "for information",
    };

    /// <summary>The roles of the versions it was made from, where they are on the card.</summary>
    public static string Parents(CardDataset dataset, IReadOnlyList<CardDataset> all) =>
        string.Join(
            ", ",
            dataset.Parents.Select(
                parent => all.FirstOrDefault(other => other.Id == parent)?.Role ?? (dataset == all[0] ? $"file of SHA-256 {parent}" : $"version {parent}")));

    public static string Dropped(CardData data)
    {
        const int Most = 10;
        if (data.Dropped.Count == 0)
        {
            return "Cleaning dropped no row.";
        }
        var reasons = data.Dropped.OrderByDescending(reason => reason.Value).Take(Most).Select(reason => $"{Count(reason.Value)} {reason.Key}");
        return $"Cleaning dropped {Count(data.Dropped.Values.Sum())} rows: "
            + $"{string.Join(", ", reasons)}{(data.Dropped.Count > Most ? $" and {data.Dropped.Count - Most} more reasons" : "")}.";
    }

    public static string Split(CardData data)
    {
        var split = data.Definition.Split;
        var share = Share(split.Validation);
        var test = data.Test is null ? null : Share(split.Test ?? SplitRules.UsualTest);
        return split switch
        {
            { Time: { } time } when test is not null =>
                $"Split by time: the latest {test} of the rows by {time} are test rows, and {share} before them validate.",
            { Time: { } time } => $"Split by time: the latest {share} of the rows by {time} validate.",
            { Group: { } group } =>
                $"Split by {group}: rows of one {group} stand on one side; about {share} of the groups validate{Tested()} (seed {split.Seed}).",
            _ => $"Split at random by row content: about {share} of the rows validate{Tested()} (seed {split.Seed}).",
        };

        string Tested() => test is null ? "" : $", {test} are test rows";

        static string Share(double share) => share.ToString("0.##%", CultureInfo.InvariantCulture);
    }

    /// <summary>The features in the model's order.</summary>
    public static IReadOnlyList<(string Name, string Kind, string Missing)> Features(Featurizer featurizer) =>
    [
        .. featurizer.Direct.Select(input => (
            input.Name,
            input.Categories is { } categories
                ? $"categorical, {Count(categories.Count)} {(categories.Count == 1 ? "category" : "categories")}"
                : input.Kind.ToString().ToLowerInvariant(),
            input switch { { Imputed: { } value } => $"filled with {value}", { Optional: true } => "left to the model", _ => "not allowed" })),
        .. featurizer.Derived.Select(feature => (feature.Name, $"computed: {Formula(feature)}", "follow from its inputs")),
    ];

    public static string Drift(DriftComparison comparison)
    {
        const int Most = 5;
        var drifted = comparison.Scores.Where(score => score.Drifted).Take(Most)
            .Select(score => score.Score is { } value ? $"{score.Column} ({score.Title} {value.ToString("G3", CultureInfo.InvariantCulture)})" : score.Column)
                .ToList();
        var columns = drifted.Count == 0
            ? ""
            : $": {string.Join(", ", drifted)}{(comparison.DriftedColumns > Most ? $" and {comparison.DriftedColumns - Most} more" : "")}";
        var verdict = comparison.Drifted ? "the table has drifted" : "the table has not drifted";
        return $"{comparison.Current.Label} against {comparison.Reference.Label}: {comparison.DriftedColumns} of {comparison.Columns} columns drifted, "
            + $"{verdict}{columns}";
    }

    public static string PictureTitle(string file) => file switch
    {
        ExplanationFiles.ImportancePicture => "Importance of the features",
        ExplanationFiles.SummaryPicture => "SHAP values of a sample of validation rows",
        _ => file,
    };

    private static string Formula(DerivedFeature feature) => feature switch
    {
        { Version: { } version } => $"{feature.Function}({string.Join(", ", feature.Inputs)}), version {version}",
        { Function: BuiltInFunctions.Product, Inputs: [var a, var b] } => $"{a} × {b}",
        { Function: BuiltInFunctions.Ratio, Inputs: [var a, var b] } => $"{a} / {b}",
        { Function: BuiltInFunctions.Log } => $"ln(1 + {feature.Inputs[0]})",
        { Function: BuiltInFunctions.DayOfWeek } => $"day of week of {feature.Inputs[0]}",
        _ => $"{feature.Function} of {feature.Inputs[0]}",
    };
}
