using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports.Monitoring;

namespace MlOps.Serving.Signals;

/// <summary>All signals, in the order in which people see them.</summary>
internal sealed partial class SignalSet(ILogger<SignalSet> logger)
{
    private const string RecordedOnly = "Only recorded, as the definition says. ";

    public static IReadOnlyList<ISignal> All { get; } =
    [
        new FeatureDriftSignal(),
        new PredictionDriftSignal(),
        new DataQualitySignal(),
        new AttributionDriftSignal(),
        new PerformanceSignal(),
        new EstimatedPerformanceSignal(),
    ];

    /// <summary>What every signal says of a window, but those that the definition leaves out. One signal's trouble is not the others'.</summary>
    public async Task<IReadOnlyList<SignalResult>> EvaluateAsync(SignalWindow window, CancellationToken cancel)
    {
        var results = new List<SignalResult>();
        foreach (var signal in All)
        {
            var mode = signal.ModeOf(window.Definition);
            if (mode == SignalMode.Off)
            {
                continue;
            }
            var result = await EvaluateAsync(signal, window, cancel);
            results.Add(mode == SignalMode.Record && result.Value is not null
                ? result with { Verdict = SignalVerdict.NotJudged, Text = RecordedOnly + result.Text, Threshold = null, Rule = null }
                : result);
        }
        return results;
    }

    private async Task<SignalResult> EvaluateAsync(ISignal signal, SignalWindow window, CancellationToken cancel)
    {
        try
        {
            return await signal.EvaluateAsync(window, cancel);
        }
        catch (InputException why)
        {
            return SignalResult.NotJudged(signal.Name, why.Message.ReplaceLineEndings(" "));
        }
        // What may pass by itself ends the check, which is made up for.
        catch (Exception fault) when (fault is not OperationCanceledException && !TransientFaults.IsTransient(fault))
        {
            LogFailed(window.Version.Model, window.Version.Version, signal.Name, fault);
            return SignalResult.NotJudged(signal.Name, $"An unexpected fault ({fault.GetType().Name}); the host's log says more.");
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Model {Model}, version {Version}: signal {Signal} could not be evaluated")]
    private partial void LogFailed(string model, int version, string signal, Exception fault);
}
