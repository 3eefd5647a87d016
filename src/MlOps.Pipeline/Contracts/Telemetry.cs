using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace MlOps.Pipeline.Contracts;

/// <summary>
/// Every name under which traces and metrics leave a host, after OpenTelemetry's semantic conventions
/// (https://opentelemetry.io/docs/specs/semconv/). Who listens is the host's matter: where nobody does, spans are not made and measurements go nowhere.
/// </summary>
public static class Telemetry
{
    /// <summary>Name of <see cref="Source"/> and <see cref="Meter"/>.</summary>
    public const string Name = "MlOps";

    /// <summary>A model's name.</summary>
    public const string Model = "mlops.model.name";

    /// <summary>A model version's number, as text.</summary>
    public const string Version = "mlops.model.version";

    /// <summary>A run's id.</summary>
    public const string RunId = "mlops.run.id";

    /// <summary>What a run is for, such as <c>model</c>.</summary>
    public const string RunGoal = "mlops.run.goal";

    /// <summary>What started a run, such as <c>http</c>.</summary>
    public const string RunTrigger = "mlops.run.trigger";

    /// <summary>A stage's name.</summary>
    public const string Stage = "mlops.stage.name";

    /// <summary>Tells calls of the same stage within a run apart.</summary>
    public const string StageKey = "mlops.stage.key";

    /// <summary>How a stage ended: <c>succeeded</c>, <c>reused</c> or <c>failed</c>.</summary>
    public const string StageState = "mlops.stage.state";

    /// <summary>How often a stage was started, this time included.</summary>
    public const string StageAttempt = "mlops.stage.attempt";

    /// <summary>The blob container or table that is asked.</summary>
    public const string Container = "mlops.storage.container";

    /// <summary>What went wrong, one of few words: a type of exceptions or of answers.</summary>
    public const string ErrorType = "error.type";

    /// <summary>Spans: the start of a run, its stages, requests to storage.</summary>
    public static ActivitySource Source { get; } = new(Name);

    public static Meter Meter { get; } = new(Name);

    /// <summary>Seconds that a version took to predict the rows of a request, explanations included and HTTP not; by model and version.</summary>
    public static Histogram<double> PredictDuration { get; } = Meter.CreateHistogram(
        "mlops.predict.duration", "s", "Time that a version took for the rows of a request.", tags: null,
        new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
        });

    /// <summary>Rows that were predicted, by model and version.</summary>
    public static VersionCounter PredictRows { get; } = new(Meter, "mlops.predict.rows", "{row}", "Rows that were predicted.");

    /// <summary>Requests for predictions that were not answered with predictions, by <see cref="ErrorType"/>, and by model where it serves.</summary>
    public static Counter<long> PredictErrors { get; } = Meter.CreateCounter<long>(
        "mlops.predict.errors", "{request}", "Requests that were not answered with predictions.");

    /// <summary>Seconds of a call of a stage, by stage, model and <see cref="StageState"/>. What is answered from the record is no call.</summary>
    public static Histogram<double> StageDuration { get; } = Meter.CreateHistogram(
        "mlops.stage.duration", "s", "Time of a call of a stage.", tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 3600] });

    /// <summary>Share of drifted columns in the last checked window of live rows, 0 to 1, by model and version; told by the host that checked.</summary>
    public static Gauge<double> DriftShare { get; } = Meter.CreateGauge<double>(
        "mlops.drift.share", "{share}", "Share of columns that have drifted in the last checked window of live rows.");
}
