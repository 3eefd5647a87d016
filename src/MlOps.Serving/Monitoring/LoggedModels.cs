using System.Collections.Concurrent;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;

namespace MlOps.Serving.Monitoring;

/// <summary>Of which models rows are kept, and which share: as the current definition says (<c>monitor.log</c>, <c>monitor.sample</c>), as of the last half
/// minute.</summary>
internal sealed class LoggedModels(DefinitionStore definitions, TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, (double Share, long ReadAt)> known = new(StringComparer.Ordinal);

    /// <summary>Which share of the model's rows is kept, 0 to 1; null when nobody has looked lately.</summary>
    public double? KnownShare(string model) => known.TryGetValue(model, out var state) && IsFresh(state.ReadAt) ? state.Share : null;

    /// <summary>Which share of the model's rows is kept: 0 where none is.</summary>
    public async ValueTask<double> ShareAsync(string model, CancellationToken cancel)
    {
        if (KnownShare(model) is { } fresh)
        {
            return fresh;
        }
        var share = await ReadAsync(model, cancel);
        known[model] = (share, time.GetTimestamp());
        return share;
    }

    private bool IsFresh(long readAt) => time.GetElapsedTime(readAt) < Fresh;

    private async Task<double> ReadAsync(string model, CancellationToken cancel)
    {
        try
        {
            return await definitions.FindAsync(model, cancel) is { Monitor: { Log: true } rules } ? rules.Sample ?? 1 : 0;
        }
        catch (InputException)
        {
            // A definition that says nothing for sure allows nothing.
            return 0;
        }
    }
}
