using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Registry;

namespace MlOps.Serving.Models;

/// <summary>
/// Versions that are asked for by number, whether in production or not. A version never changes, so that only its deletion is looked for; of too many,
/// those go that were not asked for the longest.
/// </summary>
internal sealed partial class VersionCache(
    ModelRegistry registry, IScorerLoader loader, ModelCache production, ServingOptions options, TimeProvider time, ILogger<VersionCache> logger) : IDisposable
{
    private readonly ConcurrentDictionary<(string Model, int Version), Slot> versions = new();
    private readonly Lock trimming = new();
    private readonly CancellationTokenSource stopping = new();

    /// <summary>How many are held.</summary>
    internal int Held => versions.Count;

    /// <summary>The version; null when there is none. One that cannot be loaded is tried ever more rarely; callers get its fault meanwhile.</summary>
    /// <exception cref="ModelLoadException">It cannot be loaded.</exception>
    public async ValueTask<ServedModel?> FindAsync(string model, int version, CancellationToken cancel)
    {
        if (production.FindLoaded(model, version) is { } inUse)
        {
            return inUse;
        }
        var slot = versions.GetOrAdd((model, version), Open);
        slot.LastAsked = time.GetTimestamp();
        var isKnown = true;
        try
        {
            var served = await slot.Value.GetAsync(cancel);
            isKnown = served is not null;
            return served;
        }
        finally
        {
            if (isKnown)
            {
                Trim(slot);
            }
            else
            {
                // A number that nobody knows must not stay: any caller could fill the memory with such numbers.
                versions.TryRemove(KeyValuePair.Create((model, version), slot));
            }
        }
    }

    public void Dispose()
    {
        stopping.Cancel();
        stopping.Dispose();
    }

    private Slot Open((string Model, int Version) key)
    {
        var failing = new FailingLoads(options, time);
        return new Slot(new(
            (current, cancel) => ReadAsync(key.Model, key.Version, current, failing, cancel), fault => LogKept(key.Model, key.Version, fault), options, time,
            stopping.Token));
    }

    private async Task<ServedModel?> ReadAsync(string model, int version, ServedModel? current, FailingLoads failing, CancellationToken cancel)
    {
        if (await registry.FindVersionAsync(model, version, cancel) is not { } found)
        {
            return null;
        }
        if (current is not null)
        {
            return current;
        }
        if (failing.Find(version) is { } known)
        {
            return known.Throw<ServedModel>();
        }
        try
        {
            return new ServedModel(model, version, await loader.LoadOrTellAsync(found, "", "Ask for another version.", cancel));
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            failing.Note(version, fault);
            throw;
        }
    }

    private void Trim(Slot kept)
    {
        if (versions.Count <= options.MostVersions)
        {
            return;
        }
        lock (trimming)
        {
            foreach (var version in versions.OrderByDescending(version => version.Value.LastAsked).Skip(options.MostVersions)
                .Where(version => version.Value != kept))
            {
                versions.TryRemove(version);
            }
        }
    }

    /// <summary>A version's place: what is loaded, and when it was last asked for.</summary>
    private sealed class Slot(Refreshed<ServedModel> value)
    {
        private long lastAsked;

        public Refreshed<ServedModel> Value => value;

        public long LastAsked
        {
            get => Volatile.Read(ref lastAsked);
            set => Volatile.Write(ref lastAsked, value);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Model {Model}: version {Version} could not be re-read; the loaded one goes on answering")]
    private partial void LogKept(string model, int version, Exception fault);
}
