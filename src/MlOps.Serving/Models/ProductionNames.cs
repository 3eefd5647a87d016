using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Registry;

namespace MlOps.Serving.Models;

/// <summary>Which models have a version in production.</summary>
internal sealed partial class ProductionNames : IDisposable
{
    /// <summary>Callers are told so many names at most; whether there is one only is all that else is asked.</summary>
    private const int MostTold = 100;

    private readonly ModelRegistry registry;
    private readonly ILogger<ProductionNames> logger;
    private readonly CancellationTokenSource stopping = new();
    private readonly Refreshed<IReadOnlyList<string>> known;

    public ProductionNames(ModelRegistry registry, ServingOptions options, TimeProvider time, ILogger<ProductionNames> logger)
    {
        (this.registry, this.logger) = (registry, logger);
        known = new Refreshed<IReadOnlyList<string>>(ReadAsync, LogKept, options, time, stopping.Token);
    }

    /// <summary>Names, sorted, as of the last refresh: all, where there are not more than a message should have.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancel) => await known.GetAsync(cancel) ?? [];

    public void Dispose()
    {
        stopping.Cancel();
        stopping.Dispose();
    }

    /// <summary>Null while there is none, so that the first model counts at once.</summary>
    private async Task<IReadOnlyList<string>?> ReadAsync(IReadOnlyList<string>? current, CancellationToken cancel)
    {
        var names = new List<string>();
        string? next = null;
        do
        {
            var page = await registry.ListAsync(MostTold, next, cancel);
            names.AddRange(page.Items.Where(model => model.Production is not null).Select(model => model.Model));
            next = page.Next;
        }
        while (next is not null && names.Count < MostTold);
        return names.Count == 0 ? null : names;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The list of models in production could not be re-read; the known one stays")]
    private partial void LogKept(Exception fault);
}
