using System.Globalization;
using Azure;
using Azure.Data.Tables;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Serving.Monitoring;

/// <summary>How far a model's live rows have been checked.</summary>
/// <param name="Model">The model.</param>
/// <param name="LookedAt">When it was last looked whether there are enough rows.</param>
/// <param name="CheckedUntil">Rows before this time are done with.</param>
/// <param name="Newest">The newest check's name.</param>
/// <param name="Claimed">When a host took the present window for itself; null: nobody has.</param>
/// <param name="Until">The end of that window.</param>
public sealed record LiveDriftMark(
    string Model, DateTimeOffset? LookedAt =
        null, DateTimeOffset? CheckedUntil = null, string? Newest = null, DateTimeOffset? Claimed = null, DateTimeOffset? Until = null)
{
    internal ETag ETag { get; init; }
}

/// <summary>Marks of live-drift checks. A window is claimed by one conditional write, so that of several hosts one checks it.</summary>
public sealed class LiveDriftMarks(PipelineStorage storage)
{
    private const string Partition = MarkKinds.LiveDrift;
    private const string Write = "Write";

    /// <summary>A check takes seconds. A host that has not ended one after this time is dead, and another takes over the very same window.</summary>
    internal static readonly TimeSpan ClaimLasts = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan MostPace = TimeSpan.FromHours(1);

    public async Task<LiveDriftMark?> FindAsync(string model, CancellationToken cancel)
    {
        var row = await storage.Marks.GetEntityIfExistsAsync<TableEntity>(Partition, model, cancellationToken: cancel);
        return row is { HasValue: true, Value: { } mark } ? Read(mark) : null;
    }

    /// <summary>All marks, by model.</summary>
    public async Task<IReadOnlyDictionary<string, LiveDriftMark>> ReadAllAsync(CancellationToken cancel)
    {
        var found = new Dictionary<string, LiveDriftMark>(StringComparer.Ordinal);
        await foreach (var row in storage.Marks.QueryAsync<TableEntity>(row => row.PartitionKey == Partition, cancellationToken: cancel))
        {
            found[row.RowKey] = Read(row);
        }
        return found;
    }

    /// <summary>Whether a window may be claimed: nobody has it, and the time between two checks has passed.</summary>
    internal static bool IsDue(LiveDriftMark? mark, TimeSpan every, DateTimeOffset now) =>
        mark is { Claimed: { } claimed } ? now - claimed >= ClaimLasts : mark is not { LookedAt: { } looked } || now - looked >= every;

    /// <summary>
    /// Time between two looks: between two checks where time decides. Where rows decide, the longer a window is open the more seldom is it looked whether it
    /// is full, as each look reads the log: when it closes depends on its rows alone.
    /// </summary>
    public static TimeSpan PaceOf(MonitorRules rules, LiveDriftMark? mark, DateTimeOffset now)
    {
        const int LooksOfWindow = 60;
        if (rules.Rows is null)
        {
            return rules.Every;
        }
        var open = mark?.CheckedUntil is { } since ? (now - since) / LooksOfWindow : TimeSpan.Zero;
        return open < MonitorRules.LeastEvery ? MonitorRules.LeastEvery : open > MostPace ? MostPace : open;
    }

    /// <summary>Claims what has come since the last check.</summary>
    /// <param name="model">The model.</param>
    /// <param name="every">Time between two looks: see <see cref="PaceOf"/>.</param>
    /// <param name="now">The end of the window.</param>
    /// <param name="cancel">Stops the claim.</param>
    /// <returns>The claimed mark; null when nothing is due yet, or another host has it.</returns>
    public async Task<LiveDriftMark?> TryClaimAsync(string model, TimeSpan every, DateTimeOffset now, CancellationToken cancel)
    {
        var mark = await FindAsync(model, cancel);
        if (!IsDue(mark, every, now))
        {
            return null;
        }
        return await TryWriteAsync((mark ?? new LiveDriftMark(model)) with { Claimed = now, Until = mark?.Until ?? now }, cancel);
    }

    /// <summary>Gives a claim back, with what has been done. A claim that another host has taken over stays that host's.</summary>
    public Task ReleaseAsync(LiveDriftMark mark, CancellationToken cancel) => TryWriteAsync(mark with { Claimed = null, Until = null }, cancel);

    private async Task<LiveDriftMark?> TryWriteAsync(LiveDriftMark mark, CancellationToken cancel)
    {
        var row = new TableEntity(Partition, mark.Model)
        {
            [nameof(LiveDriftMark.LookedAt)] = Text(mark.LookedAt),
            [nameof(LiveDriftMark.CheckedUntil)] = Text(mark.CheckedUntil),
            [nameof(LiveDriftMark.Newest)] = mark.Newest,
            [nameof(LiveDriftMark.Claimed)] = Text(mark.Claimed),
            [nameof(LiveDriftMark.Until)] = Text(mark.Until),
            [Write] = Guid.NewGuid().ToString("N"),
        };
        try
        {
            var written = await (mark.ETag == default
                ? storage.Marks.AddEntityAsync(row, cancel)
                : storage.Marks.UpdateEntityAsync(row, mark.ETag, TableUpdateMode.Replace, cancel));
            return mark with { ETag = written.Headers.ETag ?? default };
        }
        catch (RequestFailedException faster) when (faster.Status is 409 or 412)
        {
            return await FindOwnAsync(row, cancel) is { } etag ? mark with { ETag = etag } : null;
        }
    }

    /// <summary>The state of a row that this very call has written, although the answer to it got lost; null when another writer was faster.</summary>
    private async Task<ETag?> FindOwnAsync(TableEntity written, CancellationToken cancel)
    {
        var found = await storage.Marks.GetEntityIfExistsAsync<TableEntity>(Partition, written.RowKey, cancellationToken: cancel);
        return found is { HasValue: true, Value: { } row } && row.GetString(Write) == written.GetString(Write) ? row.ETag : null;
    }

    private static LiveDriftMark Read(TableEntity row) => new(
        row.RowKey, Time(row, nameof(LiveDriftMark.LookedAt)), Time(row, nameof(LiveDriftMark.CheckedUntil)), row.GetString(nameof(LiveDriftMark.Newest)),
        Time(row, nameof(LiveDriftMark.Claimed)), Time(row, nameof(LiveDriftMark.Until)))
    {
        ETag = row.ETag,
    };

    private static string? Text(DateTimeOffset? time) => time?.ToString("O", CultureInfo.InvariantCulture);

    private static DateTimeOffset? Time(TableEntity row, string column) =>
        row.GetString(column) is { } text ? DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind) : null;
}
