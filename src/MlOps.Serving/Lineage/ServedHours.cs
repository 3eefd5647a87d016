using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Lineage;

/// <summary>In which hours which version predicted: was in production, and rows were logged.</summary>
internal sealed class ServedHours(ModelRegistry registry, PipelineStorage storage, TimeProvider time)
{
    /// <summary>How many days with nothing predicted are looked through for a version's hours.</summary>
    private const int MostDays = 62;

    /// <summary>The hours of logged predictions in which a version was in production, the newest first.</summary>
    /// <param name="model">The model.</param>
    /// <param name="version">The model version.</param>
    /// <param name="enough">No older day is looked at when there are more than these.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<IReadOnlyList<DateTimeOffset>> ListAsync(string model, int version, int enough, CancellationToken cancel)
    {
        var times = (await TimesAsync(model, cancel)).Where(served => served.Version == version).ToList();
        var hours = new SortedSet<DateTimeOffset>();
        var day = DateTimeOffset.MaxValue;
        for (var empty = 0; times.Count > 0 && hours.Count <= enough && empty < MostDays;)
        {
            // From the newest day on which it served backwards.
            var last = times.Where(served => served.From < day).Select(served => (DateTimeOffset?)(served.Until < day ? served.Until : day)).Max();
            if (last is not { } until)
            {
                break;
            }
            day = new DateTimeOffset(until.AddTicks(-1).UtcDateTime.Date, TimeSpan.Zero);
            empty++;
            await foreach (var blob in storage.Predictions.GetBlobsAsync(default, default, PredictionBlobs.DayPrefix(model, day), cancel))
            {
                if (PredictionBlobs.HourOf(blob.Name) is { } hour && times.Any(served => served.From < hour.AddHours(1) && served.Until > hour))
                {
                    hours.Add(hour);
                    empty = 0;
                }
            }
        }
        return [.. hours.Reverse()];
    }

    /// <summary>The versions that were in production in an hour.</summary>
    public async Task<IReadOnlyList<int>> VersionsAsync(string model, DateTimeOffset hour, CancellationToken cancel) =>
    [
        .. (await TimesAsync(model, cancel)).Where(served => served.From < hour.AddHours(1) && served.Until > hour).Select(served => served.Version)
            .Distinct(),
    ];

    /// <summary>Whether rows of an hour are logged still.</summary>
    public async Task<bool> IsLoggedAsync(string model, DateTimeOffset hour, CancellationToken cancel) =>
        await storage.Predictions.GetBlobsAsync(default, default, PredictionBlobs.HourPrefix(model, hour), cancel).AnyAsync(cancel);

    /// <summary>When which version was in production.</summary>
    private async Task<IReadOnlyList<(int Version, DateTimeOffset From, DateTimeOffset Until)>> TimesAsync(string model, CancellationToken cancel)
    {
        var served = new List<(int, DateTimeOffset, DateTimeOffset)>();
        var until = time.GetUtcNow().AddHours(1);
        var moves = (await registry.ListHistoryAsync(model, cancel)).Where(change => change.Alias == ModelAlias.Production);
        foreach (var change in moves.OrderByDescending(change => change.At))
        {
            if (change.To is { } version)
            {
                served.Add((version, change.At, until));
            }
            until = change.At;
        }
        return served;
    }
}
