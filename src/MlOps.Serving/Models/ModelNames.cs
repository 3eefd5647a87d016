using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;

namespace MlOps.Serving.Models;

/// <summary>Which models there are: those with a definition and those with a registered version.</summary>
internal sealed partial class ModelNames : IDisposable
{
    private readonly DefinitionStore definitions;
    private readonly ModelRegistry registry;
    private readonly ILogger<ModelNames> logger;
    private readonly CancellationTokenSource stopping = new();
    private readonly Refreshed<IReadOnlyList<string>> known;

    public ModelNames(DefinitionStore definitions, ModelRegistry registry, ServingOptions options, TimeProvider time, ILogger<ModelNames> logger)
    {
        (this.definitions, this.registry, this.logger) = (definitions, registry, logger);
        known = new Refreshed<IReadOnlyList<string>>(ReadAsync, LogKept, options, time, stopping.Token);
    }

    /// <summary>Callers are told so many names at most; whether there is one only is all that else is asked.</summary>
    private const int MostTold = 100;

    /// <summary>Names, sorted, as of the last refresh: all, where there are not more than a message should have.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancel) => await known.GetAsync(cancel) ?? [];

    /// <summary>Whether the name is known at this moment.</summary>
    public async Task<bool> ExistsAsync(string model, CancellationToken cancel) =>
        await registry.FindAsync(model, cancel) is not null || await definitions.FindAsync(model, cancel) is not null;

    public void Dispose()
    {
        stopping.Cancel();
        stopping.Dispose();
    }

    /// <summary>Null while there is none, so that the first model counts at once.</summary>
    private async Task<IReadOnlyList<string>?> ReadAsync(IReadOnlyList<string>? current, CancellationToken cancel)
    {
        var declared = await definitions.ListAsync(MostTold, next: null, cancel);
        var registered = await registry.ListAsync(MostTold, next: null, cancel);
        var all = declared.Items.Union(registered.Items.Select(model => model.Model)).Order(StringComparer.Ordinal).ToList();
        return all.Count == 0 ? null : all;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The list of models could not be re-read; the known one stays")]
    private partial void LogKept(Exception fault);
}
