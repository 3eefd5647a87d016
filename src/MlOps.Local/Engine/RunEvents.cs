using System.Globalization;
using Azure.Data.Tables;
using MlOps.Pipeline.Data;

namespace MlOps.Local.Engine;

/// <summary>
/// Events from outside that runs wait for, as rows beside what the runs logged. The first row of a name stays, whoever writes it: so a
/// decision and a deadline that meet at the same moment have one outcome, and a run that is taken up again sees the same one.
/// </summary>
public sealed class RunEvents(PipelineStorage storage, TimeProvider time)
{
    /// <summary>Records an event, or that its time is over (<paramref name="payload"/> null), and returns what stands: this or what was first.</summary>
    public async Task<RunEvent> RecordAsync(string runId, string name, string? payload, CancellationToken cancel)
    {
        var row = new TableEntity(runId, EventRow(name)) { ["Payload"] = payload };
        return await TryAddAsync(row, cancel) ? new RunEvent(payload) : (await FindAsync(runId, name, cancel))!;
    }

    /// <summary>The event's outcome, or null when there is none yet.</summary>
    public async Task<RunEvent?> FindAsync(string runId, string name, CancellationToken cancel) =>
        await FindRowAsync(runId, EventRow(name), cancel) is { } row ? new RunEvent(row.GetString("Payload")) : null;

    /// <summary>When the run began to wait for the event, before any restart; now, when it begins now.</summary>
    public async Task<DateTimeOffset> WaitStartAsync(string runId, string name, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var row = new TableEntity(runId, "wait|" + TableKeys.Escape(name)) { ["Started"] = now.ToString("O", CultureInfo.InvariantCulture) };
        return await TryAddAsync(row, cancel)
            ? now
            : DateTimeOffset.Parse((await FindRowAsync(runId, row.RowKey, cancel))!.GetString("Started"), CultureInfo.InvariantCulture);
    }

    private static string EventRow(string name) => "event|" + TableKeys.Escape(name);

    private Task<bool> TryAddAsync(TableEntity row, CancellationToken cancel) => storage.RunRecords.AddEntityAsync(row, cancel).WinsAsync();

    private async Task<TableEntity?> FindRowAsync(string runId, string row, CancellationToken cancel)
    {
        var found = await storage.RunRecords.GetEntityIfExistsAsync<TableEntity>(runId, row, cancellationToken: cancel);
        return found.HasValue ? found.Value : null;
    }
}

/// <summary>How waiting for an event ended.</summary>
/// <param name="Payload">What was sent; null when the time was over first.</param>
public sealed record RunEvent(string? Payload);
