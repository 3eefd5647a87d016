using System.Collections.Concurrent;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;

namespace MlOps.Serving.Monitoring;

/// <summary>Of which models rows are kept: those whose current definition says so (<c>monitor.log</c>), as of the last half minute.</summary>
internal sealed class LoggedModels(DefinitionStore definitions, TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, (bool AreKept, long ReadAt)> known = new(StringComparer.Ordinal);

    /// <summary>True when the model's rows are not kept; false also when nobody has looked lately.</summary>
    public bool AreKnownUnkept(string model) => known.TryGetValue(model, out var state) && !state.AreKept && IsFresh(state.ReadAt);

    public async ValueTask<bool> AreKeptAsync(string model, CancellationToken cancel)
    {
        if (known.TryGetValue(model, out var state) && IsFresh(state.ReadAt))
        {
            return state.AreKept;
        }
        var areKept = await ReadAsync(model, cancel);
        known[model] = (areKept, time.GetTimestamp());
        return areKept;
    }

    private bool IsFresh(long readAt) => time.GetElapsedTime(readAt) < Fresh;

    private async Task<bool> ReadAsync(string model, CancellationToken cancel)
    {
        try
        {
            return await definitions.FindAsync(model, cancel) is { Monitor.Log: true };
        }
        catch (InputException)
        {
            // A definition that says nothing for sure allows nothing.
            return false;
        }
    }
}
