using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using MlOps.Pipeline.Contracts;

namespace MlOps.Web.Metrics;

/// <summary>
/// Keeps what this process has measured, for <c>GET /metrics</c>: the product's own instruments and the requests that ASP.NET Core
/// counts. Exporters of OpenTelemetry listen to the same instruments, and need none of this.
/// </summary>
internal sealed class MetricsListener : IHostedService, IDisposable
{
    private const string Requests = "http.server.request.duration";

    /// <summary>Of what comes without advice.</summary>
    private static readonly double[] DefaultBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    private readonly MeterListener listener = new();
    private readonly List<MeasuredInstrument> instruments = [];
    private readonly MetricsOptions options;
    private readonly IMeterFactory? host;
    private int started;

    /// <param name="options">From when on it listens.</param>
    /// <param name="host">Whose instruments those of ASP.NET Core are: a process may have several hosts.</param>
    public MetricsListener(MetricsOptions options, IMeterFactory? host = null)
    {
        (this.options, this.host) = (options, host);
        listener.InstrumentPublished = Publish;
        listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => ((MeasuredInstrument)state!).Record(value, tags));
        listener.SetMeasurementEventCallback<double>(static (_, value, tags, state) => ((MeasuredInstrument)state!).Record(value, tags));
    }

    /// <summary>Everything, as it is now, in the Prometheus text format.</summary>
    public string Write()
    {
        EnsureStarted();
        listener.RecordObservableInstruments();
        lock (instruments)
        {
            return PrometheusText.Write(instruments);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.FromTheStart)
        {
            EnsureStarted();
        }
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => listener.Dispose();

    private void EnsureStarted()
    {
        if (Interlocked.Exchange(ref started, 1) == 0)
        {
            listener.Start();
        }
    }

    private void Publish(Instrument instrument, MeterListener into)
    {
        if (instrument.Meter != Telemetry.Meter && !(instrument.Name == Requests && ReferenceEquals(instrument.Meter.Scope, host)))
        {
            return;
        }
        var kind = instrument switch
        {
            Histogram<double> or Histogram<long> => MetricKind.Histogram,
            Counter<long> or Counter<double> or ObservableCounter<long> or ObservableCounter<double> => MetricKind.Counter,
            _ => MetricKind.Gauge,
        };
        var bounds = kind == MetricKind.Histogram ? (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries?.ToArray() ?? DefaultBounds : [];
        var measured = new MeasuredInstrument(instrument, kind, bounds);
        lock (instruments)
        {
            instruments.Add(measured);
        }
        into.EnableMeasurementEvents(instrument, measured);
    }
}
