using System.Globalization;
using MlOps.Drift;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports.Monitoring;

namespace MlOps.Serving.Signals;

/// <summary>Whether the columns of live rows are distributed as those of training: the share of those that are not, by the tests of stage drift.</summary>
internal sealed class FeatureDriftSignal : ISignal
{
    private const int MostParts = 20;

    public string Name => SignalNames.FeatureDrift;

    public SignalMode ModeOf(PipelineDefinition definition) => SignalMode.Judge;

    public Task<SignalResult> EvaluateAsync(SignalWindow window, CancellationToken cancel)
    {
        var comparison = window.Live.Report.Comparisons[0];
        var limit = window.Live.Report.DriftShare;
        var text = window.Live.Reasons is [var reason, ..]
            ? reason[DriftComparison.Prefix.Length..]
            : $"{Warning.Share(comparison.DriftedColumns, comparison.Columns, "columns", "has", "have")} drifted.";
        return Task.FromResult(new SignalResult(Name, comparison.Drifted ? SignalVerdict.Warning : SignalVerdict.Ok, text)
        {
            Measure = "drifted columns",
            Value = comparison.Share,
            Threshold = limit,
            Rule = string.Create(CultureInfo.InvariantCulture, $"≥ {limit}"),
            Rows = window.Live.Rows,
            Parts =
            [
                .. comparison.Scores.Take(MostParts)
                    .Select(score => new SignalPart(score.Test is null ? score.Column : $"{score.Column} ({score.Test})", score.Score, null, score.Drifted)),
            ],
        });
    }
}
