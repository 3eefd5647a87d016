using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Registry;

namespace MlOps.Serving.Models;

/// <summary>
/// The production versions in use, each loaded when first asked for and swapped when its alias moves. The old version answers until
/// the new one is loaded, and goes on if that fails. Where they are too many or too large together, those go that were not asked for the longest; they are
/// loaded again when they are asked for, and what they answer just now they answer to the end.
/// </summary>
internal sealed partial class ModelCache(
    ModelRegistry registry, IScorerLoader loader, ServingOptions options, TimeProvider time, ILogger<ModelCache> logger) : IDisposable
{
    private readonly ConcurrentDictionary<string, Slot> models = new(StringComparer.Ordinal);
    private readonly Lock trimming = new();
    private readonly CancellationTokenSource stopping = new();

    /// <summary>What is loaded now, by model name.</summary>
    public IReadOnlyList<ServedModel> Loaded =>
        [.. models.Values.Select(slot => slot.Model.Current).OfType<ServedModel>().OrderBy(model => model.Model, StringComparer.Ordinal)];

    /// <summary>A version, if it is loaded as the production version of its model, or beside it; else null.</summary>
    public ServedModel? FindLoaded(string model, int version) =>
        !models.TryGetValue(model, out var slot) || slot.Model.Current is not { } current
            ? null
            : current.Version == version ? current : current.Traffic?.Others.GetValueOrDefault(version);

    /// <summary>How many names are held, loaded or not.</summary>
    internal int Held => models.Count;

    /// <summary>The production version of a model; null when it has none.</summary>
    /// <exception cref="ModelLoadException">Its first load failed for good.</exception>
    public async ValueTask<ServedModel?> FindAsync(string model, CancellationToken cancel)
    {
        var slot = models.GetOrAdd(model, Open);
        slot.Asked(time.GetTimestamp());
        var served = slot.Model.Current is null ? await FirstAsync(slot, cancel) : await slot.Model.GetAsync(cancel);
        if (served is null)
        {
            // A name that nobody knows must not stay: any caller could fill the memory with such names.
            models.TryRemove(KeyValuePair.Create(model, slot));
        }
        return served;
    }

    public void Dispose()
    {
        stopping.Cancel();
        stopping.Dispose();
    }

    private Slot Open(string model)
    {
        var failing = new FailingLoads(options, time);
        return new Slot(new((current, cancel) => ReadAsync(model, current, failing, cancel), fault => LogKept(model, fault), options, time, stopping.Token));
    }

    private async Task<ServedModel?> FirstAsync(Slot slot, CancellationToken cancel)
    {
        var served = await slot.Model.GetAsync(cancel);
        if (served is not null)
        {
            Trim(slot);
        }
        return served;
    }

    private void Trim(Slot kept)
    {
        lock (trimming)
        {
            var loaded = models.Where(model => model.Value.Model.Current is not null).OrderBy(model => model.Value.LastAsked).ToList();
            var (count, bytes) = (loaded.Count, loaded.Sum(model => BytesOf(model.Value)));
            foreach (var model in loaded.Where(model => model.Value != kept))
            {
                if (count <= options.MostModels && bytes <= options.MostModelBytes)
                {
                    return;
                }
                models.TryRemove(model);
                (count, bytes) = (count - 1, bytes - BytesOf(model.Value));
                LogLeft(model.Key);
            }
        }
    }

    private static long BytesOf(Slot slot) =>
        slot.Model.Current is { } current ? current.Scorer.StoredBytes + (current.Traffic?.Others.Values.Sum(other => other.Scorer.StoredBytes) ?? 0) : 0;

    private async Task<ServedModel?> ReadAsync(string model, ServedModel? current, FailingLoads failing, CancellationToken cancel)
    {
        if (await registry.FindAsync(model, cancel) is not { Production: { } production } registered)
        {
            return null;
        }
        var served = await ProductionAsync(model, production, current, failing, cancel);
        // A production version that cannot be loaded leaves the one before, which shares with nobody.
        return registered.Traffic is { } split && split.Production == served.Version
            ? await ShareAsync(served, split, current, failing, cancel)
            : served.Traffic is null ? served : served with { Traffic = null };
    }

    private async Task<ServedModel> ProductionAsync(
        string model, int production, ServedModel? current, FailingLoads failing, CancellationToken cancel)
    {
        if (current?.Version == production)
        {
            return current;
        }
        if (current?.Traffic?.Others.GetValueOrDefault(production) is { } beside)
        {
            return beside;
        }
        if (failing.Find(production) is { } known)
        {
            return current ?? known.Throw<ServedModel>();
        }
        try
        {
            var advice = $"POST /models/{model}/rollback, or point production at another version, or start a new run.";
            return await LoadAsync(model, production, current?.Version, (" is in production but", advice), cancel);
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            // The alias is read on as often as before, so that another version is followed at once; only this one is loaded ever more rarely.
            failing.Note(production, fault);
            if (current is null)
            {
                throw;
            }
            LogKept(model, fault);
            return current;
        }
    }

    /// <summary>Loads what shares the requests. A version that cannot be loaded answers none: production does.</summary>
    private async Task<ServedModel> ShareAsync(
        ServedModel served, TrafficSplit split, ServedModel? current, FailingLoads failing, CancellationToken cancel)
    {
        var wanted = split.Versions.Where(version => version != split.Production).ToList();
        if (served.Traffic is { } before && before.Split.Id == split.Id && wanted.TrueForAll(before.Others.ContainsKey))
        {
            return served;
        }
        var others = new Dictionary<int, ServedModel>();
        foreach (var version in wanted)
        {
            if (FindHeld(current, version) is { } held)
            {
                others[version] = held with { Traffic = null };
            }
            else if (failing.Find(version) is null && await TryLoadAsync(served.Model, version, failing, cancel) is { } loaded)
            {
                others[version] = loaded;
            }
        }
        return served with { Traffic = new ServedTraffic(split, others) };
    }

    private static ServedModel? FindHeld(ServedModel? current, int version) =>
        current?.Version == version ? current : current?.Traffic?.Others.GetValueOrDefault(version);

    private async Task<ServedModel?> TryLoadAsync(string model, int version, FailingLoads failing, CancellationToken cancel)
    {
        try
        {
            var advice = $"End the split: DELETE /models/{model}/traffic.";
            return await LoadAsync(model, version, before: null, (" has a share of the requests but", advice), cancel);
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            failing.Note(version, fault);
            LogAbsent(model, version, fault);
            return null;
        }
    }

    private async Task<ServedModel> LoadAsync(string model, int number, int? before, (string Role, string Advice) told, CancellationToken cancel)
    {
        var version = await registry.GetAsync(model, number, cancel);
        var started = time.GetTimestamp();
        var scorer = await loader.LoadOrTellAsync(version, told.Role, told.Advice, cancel);
        var seconds = time.GetElapsedTime(started).TotalSeconds;
        LogLoaded(model, number, before, seconds);
        return new ServedModel(model, number, scorer);
    }

    /// <summary>A model's place: what is loaded, and when it was last asked for.</summary>
    private sealed class Slot(Refreshed<ServedModel> model)
    {
        private long lastAsked;

        public Refreshed<ServedModel> Model => model;

        public long LastAsked => Volatile.Read(ref lastAsked);

        public void Asked(long now) => Volatile.Write(ref lastAsked, now);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Model {Model} was not asked for the longest, and is not kept in memory")]
    private partial void LogLeft(string model);

    [LoggerMessage(Level = LogLevel.Information, Message = "Model {Model}: version {Version} serves, loaded in {Seconds:0.00} s (before: {Before})")]
    private partial void LogLoaded(string model, int version, int? before, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Model {Model}: version {Version} has a share of the requests and could not be loaded; production "
        + "answers that share")]
    private partial void LogAbsent(string model, int version, Exception fault);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Model {Model}: the production version could not be re-read; the loaded one goes on serving")]
    private partial void LogKept(string model, Exception fault);
}
