using System.Globalization;
using MlOps.Drift;
using MlOps.Drift.Profiles;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Pipeline.Scoring;

namespace MlOps.Serving.Signals;

/// <summary>
/// Whether predictions are distributed as those of the validation rows: numbers, or the shares of the classes, and of two classes the probability too.
/// Distances are the default, not p-values: a test at 5 % that is made every hour errs every day. A distance between few rows may be as large by chance, so
/// that it counts only where a test of the same values says that it is none.
/// </summary>
internal sealed class PredictionDriftSignal : ISignal
{
    /// <summary>Distances between fewer rows of the same kind are often as large as the threshold.</summary>
    private const int FewestRows = 100;

    /// <summary>A window an hour, and such an error comes once in six weeks.</summary>
    private const double ByChance = 0.001;

    public string Name => SignalNames.PredictionDrift;

    public SignalMode ModeOf(PipelineDefinition definition) => definition.Monitor.Signals.PredictionDrift.Mode;

    public async Task<SignalResult> EvaluateAsync(SignalWindow window, CancellationToken cancel)
    {
        var then = await window.ReferencePredictionsAsync(cancel);
        var rows = then.Columns.Values.Max(column => column.Count);
        if (rows < FewestRows || window.Live.Rows < FewestRows)
        {
            throw new InputException(string.Create(
                CultureInfo.InvariantCulture,
                $"Distances between few rows say nothing: there are {rows:N0} validation rows and {window.Live.Rows:N0} live ones, and {FewestRows} are the "
                    + $"fewest."));
        }
        var names = window.Live.Table.Names;
        var now = new Dictionary<string, ColumnProfile>(StringComparer.Ordinal)
        {
            [MonitoringReference.PredictionColumn] = window.Live.Now.Columns[names.Prediction],
        };
        if (then.Columns.ContainsKey(MonitoringReference.ScoreColumn))
        {
            now[MonitoringReference.ScoreColumn] = window.Live.Now.Columns[names.Probability];
        }
        var rule = window.Definition.Monitor.Signals.PredictionDrift;
        var rules = then.Columns.ToDictionary(
            column => column.Key,
            column => new DriftRule(
                rule.Test ?? (column.Value is NumericProfile ? DriftTestKind.Wasserstein : DriftTestKind.JensenShannon), rule.Threshold),
            StringComparer.Ordinal);
        var comparison = Compare(window, (rows, then), new TableProfile(now), rules);
        var byChance = rule.Test is null ? ByChanceOf(window, (rows, then), new TableProfile(now)) : [];
        var drifted = comparison.Scores.Where(score => score.Drifted && !byChance.Contains(score.Column)).ToList();
        var strongest = drifted.Count > 0 ? drifted[0] : comparison.Scores[0];
        var text = string.Join("; ", comparison.Scores.Select(score =>
            Describe(score) + (score.Drifted && byChance.Contains(score.Column) ? ", as so few rows may differ by chance" : "")));
        return new SignalResult(Name, drifted.Count > 0 ? SignalVerdict.Warning : SignalVerdict.Ok, $"{text}.")
        {
            Measure = strongest.Test,
            Value = strongest.Score,
            Threshold = strongest.Threshold,
            Rule = strongest.Rule,
            Rows = window.Live.Rows,
            Parts = [.. Parts(comparison, [.. drifted.Select(score => score.Column)])],
        };
    }

    private static DriftComparison Compare(
        SignalWindow window, (long Rows, TableProfile Profile) then, TableProfile now, IReadOnlyDictionary<string, DriftRule> rules)
    {
        var version = window.Version.Version;
        return TableComparison.Compare(
            "predictions", (new DriftSide($"validation rows of version {version}", window.Version.Lineage.Validation, then.Rows, version), then.Profile),
            (new DriftSide("live rows", $"predictions/{window.Version.Model}", window.Live.Rows), now), rules, limit: 0);
    }

    /// <summary>The columns of which a test says that they may differ as they do by chance.</summary>
    private static IReadOnlyList<string> ByChanceOf(SignalWindow window, (long Rows, TableProfile Profile) then, TableProfile now)
    {
        var tests = then.Profile.Columns.ToDictionary(
            column => column.Key,
            column => new DriftRule(column.Value is NumericProfile ? DriftTestKind.KolmogorovSmirnov : DriftTestKind.ChiSquare, ByChance),
            StringComparer.Ordinal);
        return [.. Compare(window, then, now, tests).Scores.Where(score => !score.Drifted).Select(score => score.Column)];
    }

    private static string Describe(ColumnDrift score)
    {
        var moved = score is { Reference.Mean: { } before, Current.Mean: { } after }
            ? string.Create(CultureInfo.InvariantCulture, $", mean {after:G4} after {before:G4}")
            : "";
        return string.Create(CultureInfo.InvariantCulture, $"{score.Column}: {score.Test ?? "no test"} {score.Score:G3}{moved}");
    }

    private static IEnumerable<SignalPart> Parts(DriftComparison comparison, IReadOnlyList<string> drifted)
    {
        foreach (var score in comparison.Scores)
        {
            if (score.Reference.Mean is not null)
            {
                yield return new SignalPart($"{score.Column}, mean", score.Current.Mean, score.Reference.Mean, drifted.Contains(score.Column));
            }
            else if (score.Distribution is { } shares)
            {
                for (var i = 0; i < shares.Labels.Count; i++)
                {
                    yield return new SignalPart($"share of {shares.Labels[i]}", shares.Current[i], shares.Reference[i], drifted.Contains(score.Column));
                }
            }
        }
    }
}
