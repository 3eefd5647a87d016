using System.Collections.Concurrent;
using Azure;
using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Definitions;

/// <summary>
/// The current definitions of all models, for what looks at all of them again and again. While none has changed, one row is read; else one list says which
/// have, and only those are read. What changed without the product's knowledge is found within minutes.
/// </summary>
public sealed class DefinitionCatalog(PipelineStorage storage, TimeProvider time)
{
    private const string Prefix = "current/";
    private const int ReadAtOnce = 8;

    private static readonly TimeSpan ListAgainAfter = TimeSpan.FromMinutes(5);

    private volatile Listed? last;

    private readonly ConcurrentDictionary<string, CurrentDefinition> known = new(StringComparer.Ordinal);

    /// <summary>All current definitions, by model.</summary>
    public async Task<IReadOnlyDictionary<string, CurrentDefinition>> ReadAsync(CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var mark = await DefinitionChanges.FindAsync(storage, cancel);
        if (last is not { } before || before.Mark != mark || now < before.At || now - before.At >= ListAgainAfter)
        {
            await ListAsync(cancel);
            last = new Listed(mark, now);
        }
        return new Dictionary<string, CurrentDefinition>(known, StringComparer.Ordinal);
    }

    private async Task ListAsync(CancellationToken cancel)
    {
        var there = new HashSet<string>(StringComparer.Ordinal);
        var changed = new List<(string Model, ETag State)>();
        await foreach (var blob in storage.Definitions.GetBlobsAsync(BlobTraits.None, BlobStates.None, Prefix, cancel))
        {
            var model = Path.GetFileNameWithoutExtension(blob.Name);
            there.Add(model);
            if (!known.TryGetValue(model, out var definition) || definition.State != blob.Properties.ETag)
            {
                changed.Add((model, blob.Properties.ETag ?? default));
            }
        }
        foreach (var gone in known.Keys.Where(model => !there.Contains(model)).ToList())
        {
            known.TryRemove(gone, out _);
        }
        foreach (var some in changed.Chunk(ReadAtOnce))
        {
            await Task.WhenAll(some.Select(async definition => known[definition.Model] = await ReadAsync(definition.Model, definition.State, cancel)));
        }
    }

    private async Task<CurrentDefinition> ReadAsync(string model, ETag state, CancellationToken cancel)
    {
        // Should it be another state by now, the next list says so, and it is read once more.
        try
        {
            return await storage.Definitions.FindContentAsync($"{Prefix}{model}.json", cancel) is { } content
                ? new CurrentDefinition(DefinitionJson.Read(content.ToString()), null) { State = state }
                : new CurrentDefinition(null, "it was deleted at this moment") { State = default };
        }
        catch (InputException wrong)
        {
            return new CurrentDefinition(null, wrong.Message) { State = state };
        }
    }

    /// <param name="Mark">What said that they had changed, as it was before they were listed.</param>
    /// <param name="At">When that was.</param>
    private sealed record Listed(Guid? Mark, DateTimeOffset At);
}

/// <summary>A model's current definition.</summary>
/// <param name="Definition">It; null when it cannot be read.</param>
/// <param name="Problem">Why not.</param>
public sealed record CurrentDefinition(PipelineDefinition? Definition, string? Problem)
{
    internal ETag State { get; init; }
}
