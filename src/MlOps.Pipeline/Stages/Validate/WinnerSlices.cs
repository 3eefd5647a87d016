using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Validate;

/// <summary>Measures the winner on groups of rows: out of fold where there are such predictions, as these are more rows; else on the validation rows.</summary>
internal sealed class WinnerSlices(DatasetStore datasets, ArtifactStore artifacts, DuckDb duckDb)
{
    /// <summary>What groups came to, which stands on the run as <c>slices.json</c>, and what speaks against promotion.</summary>
    /// <param name="context">The run.</param>
    /// <param name="measured">The rows that were predicted.</param>
    /// <param name="manifest">What they are.</param>
    /// <param name="words">Which rows they are, in words.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<IReadOnlyList<Reason>> MeasureAsync(
        StageContext context, PredictedTable measured, DatasetManifest manifest, string words, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var (metric, largerIsBetter) = Evaluation.DecidingMetric(definition.Gates, measured.Table.Featurizer.Target.Task);
        var rows = await RowsBeforeFilling.OfAsync(datasets, manifest, cancel);
        var columns = rows.Manifest.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
        foreach (var name in definition.Slices.Where(name => !columns.ContainsKey(name)))
        {
            context.Warn(WarningCodes.UnknownSlice, $"slices names '{name}', and there is no such column{NearestName.Ending(name, columns.Keys)}");
        }
        var scored = Evaluation.Beside(measured.Predictions, measured.Table);
        var reports = await Task.Run(
            () =>
            {
                using var session = duckDb.Open(rows.Manifest.Columns.Count, cancel);
                return definition.Slices.Where(columns.ContainsKey)
                    .Select(name => SliceMetrics.Measure(scored, SliceColumns.Read(session, rows, columns[name]), metric, words)).ToList();
            },
            cancel);
        await artifacts.SaveAsync(
            context.RunId, SliceReport.FileName, $"{context.RunId}/{SliceReport.FileName}", BinaryData.FromString(Json.Write(reports)), cancel);
        await context.LogMetricsAsync(reports.SelectMany(report => Logged(report, largerIsBetter)).ToDictionary(), cancel);
        return [.. reports.SelectMany(report => BlockedBy(definition.Gates.Slices, report, largerIsBetter))];
    }

    private static IEnumerable<KeyValuePair<string, double>> Logged(SliceReport report, bool largerIsBetter)
    {
        if (report.Worst(largerIsBetter) is { } worst)
        {
            yield return new($"slice.{report.Column}.worst_{report.Metric}", worst.Metrics[report.Metric]);
        }
        if (report.Disparities is { } disparities)
        {
            yield return new($"slice.{report.Column}.selection_rate_difference", disparities.SelectionRateDifference);
            yield return new($"slice.{report.Column}.selection_rate_ratio", disparities.SelectionRateRatio);
            yield return new($"slice.{report.Column}.equalized_odds_difference", disparities.EqualizedOddsDifference);
        }
    }

    private static IEnumerable<Reason> BlockedBy(SliceGate? gate, SliceReport report, bool largerIsBetter)
    {
        if (gate is null || report.Worst(largerIsBetter) is not { } worst)
        {
            yield break;
        }
        var value = worst.Metrics[report.Metric];
        var problem = value > gate.AtMost ? $"above the allowed {gate.AtMost.Value.ToString("G6", CultureInfo.InvariantCulture)}"
            : value < gate.AtLeast ? $"below the required {gate.AtLeast.Value.ToString("G6", CultureInfo.InvariantCulture)}"
            : null;
        if (problem is not null)
        {
            yield return new Reason(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"slices: {report.Metric} of {report.Column} '{worst.Name}' ({worst.Rows:N0} {report.Rows} rows) is {value:G6}, {problem}"),
                GateKind.Metric);
        }
        if (report.Disparities is { } disparities && disparities.EqualizedOddsDifference > gate.EqualizedOddsAtMost)
        {
            yield return new Reason(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"slices: the equalised odds of {report.Column} differ by {disparities.EqualizedOddsDifference:G4}, more than the allowed "
                        + $"{gate.EqualizedOddsAtMost:G4}"),
                GateKind.Metric);
        }
    }
}
