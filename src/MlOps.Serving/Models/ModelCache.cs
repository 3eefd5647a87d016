using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Registry;

namespace MlOps.Serving.Models;

/// <summary>
/// The production versions in use, each loaded when first asked for and swapped when its alias moves. The old version answers until
/// the new one is loaded, and goes on if that fails.
/// </summary>
internal sealed partial class ModelCache(
    ModelRegistry registry, IScorerLoader loader, ServingOptions options, TimeProvider time, ILogger<ModelCache> logger) : IDisposable
{
    private readonly ConcurrentDictionary<string, Refreshed<ServedModel>> models = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource stopping = new();

    /// <summary>What is loaded now, by model name.</summary>
    public IReadOnlyList<ServedModel> Loaded =>
        [.. models.Values.Select(model => model.Current).OfType<ServedModel>().OrderBy(model => model.Model, StringComparer.Ordinal)];

    /// <summary>How many names are held, loaded or not.</summary>
    internal int Held => models.Count;

    /// <summary>The production version of a model; null when it has none.</summary>
    /// <exception cref="ModelLoadException">Its first load failed for good.</exception>
    public async ValueTask<ServedModel?> FindAsync(string model, CancellationToken cancel)
    {
        var slot = models.GetOrAdd(model, Open);
        var served = await slot.GetAsync(cancel);
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

    private Refreshed<ServedModel> Open(string model) =>
        new((current, cancel) => ReadAsync(model, current, cancel), fault => LogKept(model, fault), options, time, stopping.Token);

    private async Task<ServedModel?> ReadAsync(string model, ServedModel? current, CancellationToken cancel)
    {
        if ((await registry.FindAsync(model, cancel))?.Production is not { } production)
        {
            return null;
        }
        if (current?.Version == production)
        {
            return current;
        }
        var version = await registry.GetAsync(model, production, cancel);
        var started = time.GetTimestamp();
        var scorer = await LoadAsync(version, cancel);
        var seconds = time.GetElapsedTime(started).TotalSeconds;
        LogLoaded(model, production, current?.Version, seconds);
        return new ServedModel(model, production, scorer);
    }

    private async Task<IScorer> LoadAsync(ModelVersion version, CancellationToken cancel)
    {
        try
        {
            return await loader.LoadAsync(version, cancel);
        }
        catch (Exception fault) when (fault is not OperationCanceledException && !TransientFaults.IsTransient(fault))
        {
            var reason = fault is InputException ? fault.Message : "its artifacts are missing or damaged.";
            throw new ModelLoadException(
                $"Version {version.Version} of model '{version.Model}' is in production but cannot be loaded: {reason} "
                + $"POST /models/{version.Model}/rollback, or point production at another version, or start a new run.",
                fault);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Model {Model}: version {Version} serves, loaded in {Seconds:0.00} s (before: {Before})")]
    private partial void LogLoaded(string model, int version, int? before, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Model {Model}: the production version could not be re-read; the loaded one goes on serving")]
    private partial void LogKept(string model, Exception fault);
}
