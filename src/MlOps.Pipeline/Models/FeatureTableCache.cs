using System.Collections.Concurrent;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Models;

/// <summary>
/// Lets candidates that train side by side, and the stages after them, share one copy of a table in memory. Tables are held weakly: as
/// soon as no stage uses one, the garbage collector may take it.
/// </summary>
public sealed class FeatureTableCache(DuckDb duckDb)
{
    private readonly ConcurrentDictionary<(string Dataset, string Featurizer), Entry> entries = new();

    internal async Task<FeatureTable> GetAsync(LocalTable table, Featurizer featurizer, CancellationToken cancel)
    {
        var entry = entries.GetOrAdd((table.Manifest.Id, Json.Write(featurizer)), _ => new Entry());
        await entry.Gate.WaitAsync(cancel);
        try
        {
            if (entry.Table?.TryGetTarget(out var loaded) == true)
            {
                return loaded;
            }
            loaded = await Task.Run(() => Load(table, featurizer, cancel), cancel);
            entry.Table = new WeakReference<FeatureTable>(loaded);
            return loaded;
        }
        finally
        {
            entry.Gate.Release();
            RemoveEmpty();
        }
    }

    private FeatureTable Load(LocalTable table, Featurizer featurizer, CancellationToken cancel)
    {
        using var session = duckDb.Open(cancel, table.Manifest.Columns.Count);
        return FeatureTable.Load(session, table, featurizer);
    }

    private void RemoveEmpty()
    {
        foreach (var entry in entries.Where(entry => entry.Value.Gate.CurrentCount == 1 && entry.Value.Table?.TryGetTarget(out _) != true))
        {
            entries.TryRemove(entry);
        }
    }

    private sealed class Entry
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public WeakReference<FeatureTable>? Table { get; set; }
    }
}
