using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Training;

namespace MlOps.Serving.Signals;

/// <summary>
/// The metric that decides about the model as it is to be expected of rows whose truth nobody has told: of classes by their calibrated probabilities
/// (<see cref="ExpectedPerformance"/>), of numbers by models of the error (<see cref="ErrorModels"/>).
/// </summary>
internal sealed class EstimatedPerformanceSignal : ISignal
{
    /// <summary>What is estimated where errors tell nothing of the metric that decides.</summary>
    private const string UsualOfNumbers = "rmse";

    public string Name => SignalNames.EstimatedPerformance;

    public SignalMode ModeOf(PipelineDefinition definition) => definition.Monitor.Signals.EstimatedPerformance.Mode;

    public async Task<SignalResult> EvaluateAsync(SignalWindow window, CancellationToken cancel)
    {
        var reference = await window.ReferenceAsync(cancel);
        var (metric, larger) = window.Metric;
        if (reference is { Calibrations: null, Errors: null })
        {
            throw new InputException(string.Create(
                CultureInfo.InvariantCulture,
                $"Version {window.Version.Version} has {reference.Rows:N0} validation rows, too few to estimate performance by."));
        }
        var estimates = await EstimateAsync(window, reference, cancel);
        if (!estimates.ContainsKey(metric))
        {
            (metric, larger) = (UsualOfNumbers, false);
        }
        return MetricLimit.Of(window, metric, larger, window.Definition.Monitor.Signals.EstimatedPerformance) is { } limit
            ? limit.Judge(Name, estimates[metric], null, "as estimated without feedback") with
            {
                Rows = window.Live.Rows,
                Parts = MetricLimit.Parts(window, estimates),
            }
            : throw new InputException($"Version {window.Version.Version} has no {metric} on validation rows to compare with.");
    }

    private static async Task<IReadOnlyDictionary<string, double>> EstimateAsync(SignalWindow window, MonitoringReference reference, CancellationToken cancel)
    {
        var scored = await window.ScoredAsync(cancel);
        if (reference.Calibrations is { } calibrations)
        {
            return await Task.Run(() => ExpectedPerformance.Of(scored.All, ExpectedPerformance.Calibrated(scored.All, calibrations)), cancel);
        }
        var models = new ErrorModels(
            await window.ErrorModelAsync(MonitoringReference.AbsoluteErrorFile, cancel),
            await window.ErrorModelAsync(MonitoringReference.SquaredErrorFile, cancel), reference.Errors!);
        return await Task.Run(() => models.Estimate(scored.Table, window.Threads), cancel);
    }
}
