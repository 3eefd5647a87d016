using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using MlOps.Pipeline.Contracts;

namespace MlOps.Serving.Monitoring;

/// <summary>What the prediction log holds, and what it could not: asked for when somebody reads, and no work for a request.</summary>
internal static class PredictionLogMeter
{
    /// <summary>A process has one, but for tests.</summary>
    private static readonly ConcurrentDictionary<PredictionLog, bool> Logs = new();

    /// <summary>Bytes of rows that wait to be written, those that are being written included.</summary>
    public static ObservableUpDownCounter<long> Waiting { get; } = Telemetry.Meter.CreateObservableUpDownCounter(
        "mlops.prediction_log.waiting", () => Logs.Keys.Sum(log => log.Waiting), "By", "Predicted rows that wait in memory to be written.");

    /// <summary>Rows that were not kept since the start.</summary>
    public static ObservableCounter<long> Dropped { get; } = Telemetry.Meter.CreateObservableCounter(
        "mlops.prediction_log.dropped", () => Logs.Keys.Sum(log => log.Dropped), "{row}", "Predicted rows that were not kept.");

    public static void Watch(PredictionLog log) => Logs[log] = true;

    public static void Forget(PredictionLog log) => Logs.TryRemove(log, out _);
}
