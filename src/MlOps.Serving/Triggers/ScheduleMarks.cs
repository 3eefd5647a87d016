using System.Globalization;
using Azure.Data.Tables;
using MlOps.Pipeline.Data;

namespace MlOps.Serving.Triggers;

/// <summary>Up to when each model's schedule has been served.</summary>
public sealed class ScheduleMarks(PipelineStorage storage)
{
    private const string Partition = MarkKinds.Schedule;

    /// <summary>The time up to which the schedule is served; null when this schedule of the model is new.</summary>
    public async Task<DateTimeOffset?> ServedUntilAsync(string model, string schedule, CancellationToken cancel)
    {
        var mark = await storage.Marks.GetEntityIfExistsAsync<TableEntity>(Partition, model, cancellationToken: cancel);
        return mark is { HasValue: true, Value: { } row } && row.GetString("Schedule") == schedule
            ? DateTimeOffset.Parse(row.GetString("ServedUntil"), CultureInfo.InvariantCulture)
            : null;
    }

    public Task MarkAsync(string model, string schedule, DateTimeOffset servedUntil, CancellationToken cancel)
    {
        var mark = new TableEntity(Partition, model) { ["Schedule"] = schedule, ["ServedUntil"] = servedUntil.ToString("O", CultureInfo.InvariantCulture) };
        return storage.Marks.UpsertEntityAsync(mark, TableUpdateMode.Replace, cancel);
    }
}
