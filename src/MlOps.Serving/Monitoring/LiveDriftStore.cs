using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Serving.Monitoring;

/// <summary>Checks that were made, each as record and page: <c>live-drift/{model}/{time}.json</c> and <c>.html</c> in container <c>artifacts</c>.</summary>
public sealed class LiveDriftStore(PipelineStorage storage, LiveDriftMarks marks)
{
    /// <summary>The newest check of a model; null when there is none.</summary>
    public async Task<LiveDriftCheck?> FindNewestAsync(string model, CancellationToken cancel) =>
        await NewestAsync(model, cancel) is { } name ? await FindAsync(name, cancel) : null;

    /// <summary>The page of the newest check; null when there is none.</summary>
    public async Task<BinaryData?> FindNewestPageAsync(string model, CancellationToken cancel) =>
        await NewestAsync(model, cancel) is { } name ? await ReadAsync($"{name}.html", cancel) : null;

    /// <summary>A check's name; the same window always has the same.</summary>
    internal static string NameOf(LiveDriftCheck check) =>
        string.Create(CultureInfo.InvariantCulture, $"live-drift/{check.Model}/{check.Until.UtcDateTime:yyyyMMddHHmmssfff}");

    /// <summary>When a check was made, by the name of its record or page; null when the name is none of these.</summary>
    internal static DateTimeOffset? TimeOf(string blob) =>
        DateTimeOffset.TryParseExact(
            Path.GetFileNameWithoutExtension(blob), "yyyyMMddHHmmssfff", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? at
            : null;

    internal async Task<LiveDriftCheck?> FindAsync(string name, CancellationToken cancel) =>
        await ReadAsync($"{name}.json", cancel) is { } json ? Stored.Read<LiveDriftCheck>(json.ToString()) : null;

    /// <summary>Keeps a new check with its page, the page first; false when the check is there, and not from this very call whose answer was lost.</summary>
    internal async Task<bool> TryAddAsync(LiveDriftCheck check, BinaryData page, CancellationToken cancel)
    {
        await storage.Artifacts.GetBlobClient($"{NameOf(check)}.html").UploadAsync(page, overwrite: true, cancel);
        var (name, json) = ($"{NameOf(check)}.json", Json.Write(check));
        // No other call's check has this one's time of its alert.
        return await storage.Artifacts.TryAddAsync(name, BinaryData.FromString(json), cancel) || (await ReadAsync(name, cancel))?.ToString() == json;
    }

    internal Task UpdateAsync(LiveDriftCheck check, CancellationToken cancel) =>
        storage.Artifacts.GetBlobClient($"{NameOf(check)}.json").UploadAsync(BinaryData.FromString(Json.Write(check)), overwrite: true, cancel);

    private async Task<string?> NewestAsync(string model, CancellationToken cancel) => (await marks.FindAsync(model, cancel))?.Newest;

    /// <summary>Old checks may have been deleted.</summary>
    private Task<BinaryData?> ReadAsync(string blob, CancellationToken cancel) => storage.Artifacts.FindContentAsync(blob, cancel);
}
