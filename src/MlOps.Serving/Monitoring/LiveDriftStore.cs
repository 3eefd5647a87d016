using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Serving.Monitoring;

/// <summary>Checks that were made, each as record and page: <c>live-drift/{model}/{time}.json</c> and <c>.html</c> in container <c>artifacts</c>.</summary>
public sealed class LiveDriftStore(PipelineStorage storage, LiveDriftMarks marks)
{
    private const string Folder = "live-drift/";
    private const string Record = ".json";
    private const string Time = "yyyyMMddHHmmssfff";
    private const int ReadAtOnce = 16;

    /// <summary>The newest check of a model; null when there is none.</summary>
    public async Task<LiveDriftCheck?> FindNewestAsync(string model, CancellationToken cancel) =>
        await NewestAsync(model, cancel) is { } name ? await FindAsync(name, cancel) : null;

    /// <summary>The page of the newest check; null when there is none.</summary>
    public async Task<BinaryData?> FindNewestPageAsync(string model, CancellationToken cancel) =>
        await NewestAsync(model, cancel) is { } name ? await ReadAsync($"{name}.html", cancel) : null;

    /// <summary>The check that ended at a time; null when there is none.</summary>
    public Task<LiveDriftCheck?> FindAsync(string model, DateTimeOffset until, CancellationToken cancel) => FindAsync(NameOf(model, until), cancel);

    /// <summary>Its page.</summary>
    public Task<BinaryData?> FindPageAsync(string model, DateTimeOffset until, CancellationToken cancel) => ReadAsync($"{NameOf(model, until)}.html", cancel);

    /// <summary>Checks of a model, newest first.</summary>
    /// <param name="model">The model.</param>
    /// <param name="take">At most so many.</param>
    /// <param name="next">What the page before said; null: the first page.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException"><paramref name="next"/> is no token of this list.</exception>
    public async Task<ListPage<LiveDriftCheck>> ListAsync(string model, int take, string? next, CancellationToken cancel)
    {
        var prefix = $"{Folder}{model}/";
        var before = next is null ? null : PageToken.Read(next);
        if (before is not null && (!before.StartsWith(prefix, StringComparison.Ordinal) || TimeOf(before) is null))
        {
            throw PageToken.NoToken(next!);
        }
        // Names alone: an hourly check of ten years is less than a hundred thousand.
        var names = new List<string>();
        await foreach (var blob in storage.Artifacts.GetBlobsAsync(default, default, prefix, cancel))
        {
            if (blob.Name.EndsWith(Record, StringComparison.Ordinal) && TimeOf(blob.Name) is not null)
            {
                names.Add(blob.Name[..^Record.Length]);
            }
        }
        names.Sort(StringComparer.Ordinal);
        names.Reverse();
        var left = names.SkipWhile(name => before is not null && string.CompareOrdinal(name, before) >= 0).ToList();
        var found = new List<LiveDriftCheck>();
        foreach (var some in left.Take(take).Chunk(ReadAtOnce))
        {
            // One may have been deleted since it was listed.
            found.AddRange((await Task.WhenAll(some.Select(name => FindAsync(name, cancel)))).OfType<LiveDriftCheck>());
        }
        return new ListPage<LiveDriftCheck>(found, left.Count > take ? PageToken.Write(left[take - 1]) : null);
    }

    /// <summary>The time in a check's name as callers write it; null when it is none.</summary>
    public static DateTimeOffset? ReadTime(string text) => text.Contains('/', StringComparison.Ordinal) ? null : TimeOf($"{text}{Record}");

    /// <summary>The end of a window as callers write it.</summary>
    public static string WriteTime(DateTimeOffset until) => until.UtcDateTime.ToString(Time, CultureInfo.InvariantCulture);

    /// <summary>A check's name; the same window always has the same.</summary>
    internal static string NameOf(LiveDriftCheck check) => NameOf(check.Model, check.Until);

    private static string NameOf(string model, DateTimeOffset until) => $"{Folder}{model}/{WriteTime(until)}";

    /// <summary>When a check was made, by the name of its record or page; null when the name is none of these.</summary>
    internal static DateTimeOffset? TimeOf(string blob) =>
        DateTimeOffset.TryParseExact(
            Path.GetFileNameWithoutExtension(blob), Time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
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
