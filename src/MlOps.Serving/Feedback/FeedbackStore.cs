using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Azure;
using Azure.Data.Tables;
using MlOps.Pipeline.Data;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Feedback;

/// <summary>What came true.</summary>
/// <param name="Id">The prediction's id; null: the key names it.</param>
/// <param name="Key">Whom or what it is about: the newest prediction of the key before this was told. Null: the id names it.</param>
/// <param name="Actual">The value of the target, as it stands in the data.</param>
/// <param name="At">When it was told.</param>
public sealed record FeedbackItem(string? Id, string? Key, string Actual, DateTimeOffset At);

/// <summary>What became of feedback.</summary>
/// <param name="Stored">Told for the first time.</param>
/// <param name="Repeated">Told before, and the same.</param>
/// <param name="Changed">Told before, and another value: the new one counts.</param>
public sealed record FeedbackCount(int Stored, int Repeated, int Changed);

/// <summary>
/// Keeps feedback until it is joined with the predictions that it is about. One row for each prediction, by the hour of the prediction; for a key, by the
/// hour in which it was told. The same again changes nothing.
/// </summary>
public sealed class FeedbackStore(PipelineStorage storage, TimeProvider time)
{
    private const int AtOnce = 16;
    private const string ActualColumn = "Actual";
    private const string KeyColumn = "Key";
    private const string AtColumn = "At";

    /// <summary>Keeps feedback; returns when all of it is stored.</summary>
    public async Task<FeedbackCount> AddAsync(string model, IReadOnlyList<FeedbackItem> items, CancellationToken cancel)
    {
        var (stored, repeated, changed) = (0, 0, 0);
        // What is told twice in one request is told one after the other.
        var distinct = items.GroupBy(item => (item.Id, item.Key)).Select(same => same.ToList());
        await Parallel.ForEachAsync(distinct, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (same, stop) =>
        {
            foreach (var item in same)
            {
                switch (await AddAsync(model, item, stop))
                {
                    case Kept.New: Interlocked.Increment(ref stored); break;
                    case Kept.Same: Interlocked.Increment(ref repeated); break;
                    default: Interlocked.Increment(ref changed); break;
                }
            }
        });
        return new FeedbackCount(stored, repeated, changed);
    }

    /// <summary>Feedback on predictions from a time on, and what keys were told since.</summary>
    public async IAsyncEnumerable<FeedbackItem> ReadAsync(string model, DateTimeOffset from, [EnumeratorCancellation] CancellationToken cancel)
    {
        var filter = TableClient.CreateQueryFilter($"PartitionKey ge {Partition(model, from)} and PartitionKey lt {model + "}"}");
        await foreach (var row in storage.Feedback.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
        {
            var key = row.GetString(KeyColumn);
            yield return new FeedbackItem(key is null ? row.RowKey : null, key, row.GetString(ActualColumn), row.GetDateTimeOffset(AtColumn)!.Value);
        }
    }

    /// <summary>Deletes what was told of a key; returns the number of rows.</summary>
    public async Task<int> DeleteAsync(string model, string key, CancellationToken cancel)
    {
        var deleted = 0;
        var filter = TableClient.CreateQueryFilter($"PartitionKey ge {model + "|"} and PartitionKey lt {model + "}"} and RowKey eq {KeyRow(key)}");
        await foreach (var row in storage.Feedback.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
        {
            await storage.Feedback.DeleteEntityAsync(row.PartitionKey, row.RowKey, ETag.All, cancel);
            deleted++;
        }
        return deleted;
    }

    /// <summary>Deletes what was told of predictions of hours that had ended by then, of all models; returns the number of rows.</summary>
    public async Task<int> DeleteBeforeAsync(DateTimeOffset oldest, CancellationToken cancel)
    {
        var deleted = 0;
        for (var after = ""; await FindModelAsync(after, cancel) is { } model; after = model + "}")
        {
            // The hour in which it falls has not ended.
            var filter = TableClient.CreateQueryFilter($"PartitionKey ge {model + "|"} and PartitionKey lt {Partition(model, oldest)}");
            var old = storage.Feedback.QueryAsync<TableEntity>(filter, select: ["PartitionKey", "RowKey"], cancellationToken: cancel);
            await foreach (var page in old.AsPages())
            {
                var some = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel };
                await Parallel.ForEachAsync(page.Values, some, async (row, stop) =>
                    await storage.Feedback.DeleteEntityAsync(row.PartitionKey, row.RowKey, ETag.All, stop));
                deleted += page.Values.Count;
            }
        }
        return deleted;
    }

    /// <summary>The first model that something was told of, among those whose partitions come after; null when there is none.</summary>
    private async Task<string?> FindModelAsync(string after, CancellationToken cancel)
    {
        var filter = TableClient.CreateQueryFilter($"PartitionKey gt {after}");
        await foreach (var row in storage.Feedback.QueryAsync<TableEntity>(filter, maxPerPage: 1, select: ["PartitionKey"], cancellationToken: cancel))
        {
            return row.PartitionKey.Split('|')[0];
        }
        return null;
    }

    private async Task<Kept> AddAsync(string model, FeedbackItem item, CancellationToken cancel)
    {
        var hour = item.Id is { } id ? PredictionId.TimeOf(id)!.Value : time.GetUtcNow();
        var row = new TableEntity(Partition(model, hour), item.Id ?? KeyRow(item.Key!))
        {
            [ActualColumn] = item.Actual,
            [KeyColumn] = item.Key,
            [AtColumn] = item.At,
        };
        if (await storage.Feedback.AddEntityAsync(row, cancel).WinsAsync())
        {
            return Kept.New;
        }
        var found = await storage.Feedback.GetEntityIfExistsAsync<TableEntity>(row.PartitionKey, row.RowKey, cancellationToken: cancel);
        if (found is { HasValue: true, Value: { } earlier } && earlier.GetString(ActualColumn) == item.Actual && earlier.GetString(KeyColumn) == item.Key)
        {
            return Kept.Same;
        }
        await storage.Feedback.UpsertEntityAsync(row, TableUpdateMode.Replace, cancel);
        return Kept.Changed;
    }

    private static string Partition(string model, DateTimeOffset hour) => string.Create(CultureInfo.InvariantCulture, $"{model}|{hour.UtcDateTime:yyyyMMddHH}");

    /// <summary>A key may have any character, and a row's name may not.</summary>
    private static string KeyRow(string key) => "key " + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    private enum Kept
    {
        New,
        Same,
        Changed,
    }
}
