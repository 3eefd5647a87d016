using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
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

    /// <summary>A version, if it is the loaded production version of its model; else null.</summary>
    public ServedModel? FindLoaded(string model, int version) =>
        models.TryGetValue(model, out var slot) && slot.Model.Current is { } current && current.Version == version ? current : null;

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
        var failing = new FailingLoad();
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

    private static long BytesOf(Slot slot) => slot.Model.Current?.Scorer.StoredBytes ?? 0;

    private async Task<ServedModel?> ReadAsync(string model, ServedModel? current, FailingLoad failing, CancellationToken cancel)
    {
        if ((await registry.FindAsync(model, cancel))?.Production is not { } production)
        {
            return null;
        }
        if (current?.Version == production)
        {
            return current;
        }
        if (failing.IsPaused(production, time))
        {
            return current ?? failing.Throw<ServedModel>();
        }
        var version = await registry.GetAsync(model, production, cancel);
        var started = time.GetTimestamp();
        IScorer scorer;
        try
        {
            scorer = await loader.LoadOrTellAsync(
                version, " is in production but",
                $"POST /models/{model}/rollback, or point production at another version, or start a new run.", cancel);
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            // The alias is read on as often as before, so that another version is followed at once; only this one is loaded ever more rarely.
            failing.Note(production, fault, time, options);
            if (current is null)
            {
                throw;
            }
            LogKept(model, fault);
            return current;
        }
        var seconds = time.GetElapsedTime(started).TotalSeconds;
        LogLoaded(model, production, current?.Version, seconds);
        return new ServedModel(model, production, scorer);
    }

    /// <summary>A model's place: what is loaded, and when it was last asked for.</summary>
    private sealed class Slot(Refreshed<ServedModel> model)
    {
        private long lastAsked;

        public Refreshed<ServedModel> Model => model;

        public long LastAsked => Volatile.Read(ref lastAsked);

        public void Asked(long now) => Volatile.Write(ref lastAsked, now);
    }

    /// <summary>The version whose loading failed last, why, and until when it is left alone: callers get that fault meanwhile.</summary>
    private sealed class FailingLoad
    {
        private ExceptionDispatchInfo? why;
        private int version;
        private int failures;
        private long noted;
        private TimeSpan pause;

        public bool IsPaused(int production, TimeProvider time) => production == version && time.GetElapsedTime(noted) < pause;

        public T Throw<T>()
        {
            why!.Throw();
            throw why.SourceException;
        }

        public void Note(int production, Exception fault, TimeProvider time, ServingOptions options)
        {
            why = ExceptionDispatchInfo.Capture(fault);
            failures = production == version ? failures + 1 : 1;
            (version, noted, pause) = (production, time.GetTimestamp(), BackOff.After(failures, options.RefreshEvery, options.LongestPause));
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Model {Model} was not asked for the longest, and is not kept in memory")]
    private partial void LogLeft(string model);

    [LoggerMessage(Level = LogLevel.Information, Message = "Model {Model}: version {Version} serves, loaded in {Seconds:0.00} s (before: {Before})")]
    private partial void LogLoaded(string model, int version, int? before, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Model {Model}: the production version could not be re-read; the loaded one goes on serving")]
    private partial void LogKept(string model, Exception fault);
}
