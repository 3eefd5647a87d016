using System.Globalization;
using System.Text;

namespace MlOps.Web.Metrics;

/// <summary>
/// Writes measurements in the Prometheus text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/), under the names that OpenTelemetry's
/// collector gives them there (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/), so that a dashboard reads either.
/// </summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static string Write(IEnumerable<MeasuredInstrument> instruments)
    {
        var text = new StringBuilder();
        foreach (var instrument in instruments.OrderBy(NameOf, StringComparer.Ordinal))
        {
            var name = NameOf(instrument);
            text.Append("# HELP ").Append(name).Append(' ').Append(Escape(instrument.Instrument.Description ?? "", quoted: false)).Append('\n');
            text.Append("# TYPE ").Append(name).Append(' ').Append(TypeOf(instrument.Kind)).Append('\n');
            foreach (var series in instrument.Series)
            {
                Write(text, name, instrument, series);
            }
        }
        return text.ToString();
    }

    /// <summary>The name there: unit and <c>_total</c> behind it.</summary>
    public static string NameOf(MeasuredInstrument instrument)
    {
        var unit = instrument.Instrument.Unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            "1" when instrument.Kind == MetricKind.Gauge => "_ratio",
            _ => "",
        };
        return Word(instrument.Instrument.Name) + unit + (instrument.Kind == MetricKind.Counter ? "_total" : "");
    }

    private static void Write(StringBuilder text, string name, MeasuredInstrument instrument, MeasuredSeries series)
    {
        var labels = Labels(series.Tags);
        var read = series.Read();
        if (instrument.Kind != MetricKind.Histogram)
        {
            Line(text, name, labels, read.Value);
            return;
        }
        var below = 0L;
        for (var place = 0; place < read.Buckets.Length; place++)
        {
            below += read.Buckets[place];
            var bound = place < instrument.Bounds.Length ? Number(instrument.Bounds[place]) : "+Inf";
            Line(text, name + "_bucket", labels.Length == 0 ? $"le=\"{bound}\"" : $"{labels},le=\"{bound}\"", below);
        }
        Line(text, name + "_sum", labels, read.Value);
        Line(text, name + "_count", labels, read.Count);
    }

    private static void Line(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            if (value is not null)
            {
                labels.Append(labels.Length == 0 ? "" : ",").Append(Word(key)).Append("=\"")
                    .Append(Escape(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "", quoted: true)).Append('"');
            }
        }
        return labels.ToString();
    }

    private static string Number(double value) => double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : value.ToString("R", CultureInfo.InvariantCulture);

    private static string TypeOf(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Histogram => "histogram",
        _ => "gauge",
    };

    private static string Word(string name) => string.Create(name.Length, name, static (word, from) =>
    {
        for (var i = 0; i < word.Length; i++)
        {
            word[i] = char.IsAsciiLetterOrDigit(from[i]) ? from[i] : '_';
        }
    });

    private static string Escape(string text, bool quoted)
    {
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quoted ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }
}
