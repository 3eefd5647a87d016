using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Tests.Monitoring;

/// <summary>Hours of the prediction log as hosts have left them.</summary>
internal static class LoggedHours
{
    /// <summary>An hour that is over.</summary>
    public static DateTimeOffset Hour { get; } = Floor(DateTimeOffset.UtcNow.AddHours(-5));

    public static DateTimeOffset Floor(DateTimeOffset at) => new(at.UtcDateTime.Date.AddHours(at.UtcDateTime.Hour), TimeSpan.Zero);

    /// <summary>A line as the log writes it.</summary>
    public static string Line(string model, int second, string? key, string features, string prediction = "1", string more = "", string variant = "production")
    {
        var at = LoggedRow.TimeText(Hour.AddSeconds(second));
        var keyed = key is null ? "" : $",\"key\":\"{JsonEncodedText.Encode(key)}\"";
        return $"{{\"at\":\"{at}\",\"model\":\"{model}\",\"version\":1,\"variant\":\"{variant}\",\"ms\":0.021,\"prediction\":{prediction},"
            + $"\"id\":\"{Guid.CreateVersion7(Hour.AddSeconds(second))}\"{keyed}{more},\"features\":{features}}}\n";
    }

    /// <summary>Writes lines as a host does.</summary>
    public static async Task<string> WriteAsync(PipelineStorage storage, string model, params string[] lines)
    {
        var blobs = new PredictionBlobs(storage, new PredictionLogOptions());
        await blobs.AppendAsync(model, Hour, Encoding.UTF8.GetBytes(string.Concat(lines)), default);
        return string.Concat(lines);
    }

    public static PredictionCompactor Compactor(MonitorHost host, PipelineStorage storage, CompactionOptions? rules = null) => new(
        storage, host.Get<DuckDb>(), host.Get<PipelineOptions>(), rules ?? new CompactionOptions(), TimeProvider.System,
        NullLogger<PredictionCompactor>.Instance);

    /// <summary>Compacts until there is nothing left, or somebody else is at it.</summary>
    public static async Task<HourState> CompactAllAsync(PredictionCompactor compactor, string model)
    {
        HourState state;
        do
        {
            state = await compactor.CompactAsync(PredictionBlobs.HourPrefix(model, Hour), default);
        }
        while (state == HourState.More);
        return state;
    }

    /// <summary>Lines of a key, as they are exported.</summary>
    public static async Task<IReadOnlyList<string>> ExportAsync(MonitorHost host, string model, string key)
    {
        using var output = new MemoryStream();
        await host.Get<KeyedRows>().ExportAsync(model, key, days: 2, output, default);
        return [.. Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    /// <summary>Rows that a check of live rows finds.</summary>
    public static async Task<long> CountAsync(MonitorHost host, string model)
    {
        var folder = Directory.CreateTempSubdirectory("mlops-hours-");
        try
        {
            var window = new LiveWindow(1, Hour, Hour.AddHours(1));
            return (await host.Get<PredictionLogReader>().DownloadAsync(model, window, folder.FullName, default)).Rows;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    public static async Task<IReadOnlyList<LogBlob>> BlobsAsync(PipelineStorage storage, string model) =>
        await LogListing.ListAsync(storage, $"{model}/", default);
}
