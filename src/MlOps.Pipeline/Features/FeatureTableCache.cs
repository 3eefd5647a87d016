using System.Collections.Concurrent;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Features;

/// <summary>
/// Lets candidates that train side by side, and the stages after them, share one copy of a table in memory. Tables are held weakly: as
/// soon as no stage uses one, the garbage collector may take it.
/// </summary>
public sealed class FeatureTableCache(DatasetStore datasets, DuckDb duckDb, FeatureFunctions functions)
{
    private readonly ConcurrentDictionary<(string Dataset, string Featurizer), Entry> entries = new();

    /// <exception cref="InputException">This process does not have the function of a computed feature.</exception>
    internal async Task<FeatureTable> GetAsync(LocalTable table, Featurizer featurizer, CancellationToken cancel)
    {
        var entry = EntryOf(table, featurizer);
        await entry.Gate.WaitAsync(cancel);
        try
        {
            return entry.Table ?? (entry.Table = await LoadAsync(table, session => FeatureTable.Load(session, table, featurizer.Unscaled), cancel));
        }
        finally
        {
            entry.Gate.Release();
            RemoveEmpty();
        }
    }

    internal async Task<FeatureTable> GetAsync(DatasetManifest dataset, Featurizer featurizer, CancellationToken cancel) =>
        await GetAsync(await datasets.OpenAsync(dataset, cancel), featurizer, cancel);

    internal async Task<FeatureTable> GetAsync(DatasetRef dataset, Featurizer featurizer, CancellationToken cancel) =>
        await GetAsync(await datasets.GetAsync(dataset.Id, cancel), featurizer, cancel);

    /// <summary>Both sides of a split, read in one pass where that is possible.</summary>
    internal async Task<(FeatureTable Train, FeatureTable Validation)> GetSplitAsync(
        LocalTable train, LocalTable validation, Featurizer featurizer, CancellationToken cancel)
    {
        var (first, second) = (EntryOf(train, featurizer), EntryOf(validation, featurizer));
        await first.Gate.WaitAsync(cancel);
        try
        {
            await second.Gate.WaitAsync(cancel);
            try
            {
                // The inner split of a split by time depends on all training rows: they are read by themselves.
                if (first.Table is null && second.Table is null && train.Manifest.Selection is { Time: null }
                    && train.Manifest.Parents[0] == validation.Manifest.Parents[0])
                {
                    return (first.Table, second.Table) = await LoadAsync(
                        train, session => FeatureTable.LoadSides(session, train, validation, featurizer.Unscaled), cancel);
                }
            }
            finally
            {
                second.Gate.Release();
            }
        }
        finally
        {
            first.Gate.Release();
            RemoveEmpty();
        }
        return (await GetAsync(train, featurizer, cancel), await GetAsync(validation, featurizer, cancel));
    }

    private Entry EntryOf(LocalTable table, Featurizer featurizer)
    {
        functions.Require(featurizer.Derived);
        return entries.GetOrAdd((table.Manifest.Id, Json.Write(featurizer.Unscaled)), _ => new Entry());
    }

    private Task<T> LoadAsync<T>(LocalTable table, Func<DuckDbSession, T> load, CancellationToken cancel) => Task.Run(
        () =>
        {
            using var session = duckDb.Open(table.Manifest.Columns.Count, cancel);
            return load(session);
        },
        cancel);

    private void RemoveEmpty()
    {
        foreach (var entry in entries.Where(entry => entry.Value.Gate.CurrentCount == 1 && entry.Value.Table is null))
        {
            entries.TryRemove(entry);
        }
    }

    private sealed class Entry
    {
        private readonly WeakReference<FeatureTable?> table = new(null);

        public SemaphoreSlim Gate { get; } = new(1, 1);

        public FeatureTable? Table
        {
            get => table.TryGetTarget(out var loaded) ? loaded : null;
            set => table.SetTarget(value);
        }
    }
}
