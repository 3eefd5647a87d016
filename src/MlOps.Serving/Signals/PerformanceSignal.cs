using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Pipeline.Training;

namespace MlOps.Serving.Signals;

/// <summary>The metric that decides about the model, on the rows of which it is known what came true.</summary>
internal sealed class PerformanceSignal : ISignal
{
    public string Name => SignalNames.Performance;

    public SignalMode ModeOf(PipelineDefinition definition) => definition.Monitor.Signals.Performance.Mode;

    public async Task<SignalResult> EvaluateAsync(SignalWindow window, CancellationToken cancel)
    {
        var (metric, larger) = window.Metric;
        var rule = window.Definition.Monitor.Signals.Performance;
        var (known, rows, when) = rule.Delay == TimeSpan.Zero
            ? ((await window.ScoredAsync(cancel)).Known(), window.Live.Rows, "")
            : await EarlierAsync(window, rule.Delay, cancel);
        if (known.Count < Evaluation.FewestRows)
        {
            throw new InputException(string.Create(
                CultureInfo.InvariantCulture,
                $"There is feedback on {known.Count:N0} of {rows:N0} rows{when}, and {Evaluation.FewestRows} are the fewest to measure by."));
        }
        var metrics = known.Metrics();
        var interval = await Task.Run(() => MetricIntervals.Of(known, metric), cancel);
        return MetricLimit.Of(window, metric, larger, rule) is { } limit
            ? limit.Judge(Name, metrics[metric], interval, $"on {known.Count.ToString("N0", CultureInfo.InvariantCulture)} rows with feedback{when}") with
            {
                Rows = known.Count,
                Parts = MetricLimit.Parts(window, metrics),
            }
            : throw new InputException($"Version {window.Version.Version} has no {metric} on validation rows to compare with.");
    }

    /// <summary>What is known of the rows that were predicted so long before, how many there were, and when that was.</summary>
    private static async Task<(ScoredRows Known, long Rows, string When)> EarlierAsync(SignalWindow window, TimeSpan delay, CancellationToken cancel)
    {
        var (time, table) = await window.EarlierAsync(delay, cancel);
        var when = string.Create(
            CultureInfo.InvariantCulture, $" of {time.From.UtcDateTime:yyyy-MM-dd HH:mm} to {time.Until.UtcDateTime:yyyy-MM-dd HH:mm} UTC");
        return table is { Rows.Manifest.Rows: > 0 and var rows }
            ? ((await window.ScoreAsync(table, cancel)).Known(), rows, when)
            : throw new InputException($"Version {window.Version.Version} predicted no rows{when}.");
    }
}

/// <summary>From where on a metric is worse than it may be.</summary>
/// <param name="Metric">The metric.</param>
/// <param name="LargerIsBetter">Which side is worse.</param>
/// <param name="Reference">What it was on the validation rows.</param>
/// <param name="Limit">The limit.</param>
internal sealed record MetricLimit(string Metric, bool LargerIsBetter, double Reference, double Limit)
{
    /// <summary>Null where the metric was not measured on the validation rows.</summary>
    public static MetricLimit? Of(SignalWindow window, string metric, bool largerIsBetter, PerformanceRule rule)
    {
        if (window.OnValidation(metric) is not { } reference || !double.IsFinite(reference))
        {
            return null;
        }
        var drop = Math.Abs(reference) * rule.DropAtMost;
        return new MetricLimit(metric, largerIsBetter, reference, largerIsBetter ? reference - drop : reference + drop);
    }

    /// <summary>A warning where the metric is beyond the limit and its interval, where there is one, does not hold what it was: few rows are no decay.
    /// </summary>
    public SignalResult Judge(string signal, double value, Interval? interval, string where)
    {
        if (!double.IsFinite(value))
        {
            return SignalResult.NotJudged(signal, $"{Metric} cannot be told {where}.");
        }
        var isWorse = LargerIsBetter ? value < Limit : value > Limit;
        var isChance = isWorse && interval?.Contains(Reference) == true;
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{Metric} is {value:G4} {where}, and was {Reference:G4} on the validation rows{(isChance ? "; so few rows may differ as much by chance" : "")}.");
        return new SignalResult(signal, isWorse && !isChance ? SignalVerdict.Warning : SignalVerdict.Ok, text)
        {
            Measure = Metric,
            Value = value,
            Reference = Reference,
            Threshold = Limit,
            Rule = string.Create(CultureInfo.InvariantCulture, $"{(LargerIsBetter ? "<" : ">")} {Limit:G4}"),
            Low = interval?.Low,
            High = interval?.High,
        };
    }

    /// <summary>All metrics, beside those of the validation rows.</summary>
    public static IReadOnlyList<SignalPart> Parts(SignalWindow window, IReadOnlyDictionary<string, double> metrics) =>
        [.. metrics.Where(metric => metric.Key != "threshold" && double.IsFinite(metric.Value))
            .Select(metric => new SignalPart(metric.Key, metric.Value, window.OnValidation(metric.Key), false))];
}
