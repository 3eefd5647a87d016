namespace MlOps.Pipeline.Doctor;

/// <summary>
/// Dataset versions that nothing reaches, in an order in which they can go: what was made from others before these. What stays after all, as somebody has
/// claimed it meanwhile, keeps what it was made from. So what is left is whole, wherever that ends.
/// </summary>
internal sealed class UnreachedVersions
{
    private readonly IReadOnlyDictionary<string, IReadOnlyList<string>> parents;
    private readonly Dictionary<string, int> generations = new(StringComparer.Ordinal);
    private readonly HashSet<string> needed = new(StringComparer.Ordinal);

    /// <param name="orphans">A finding a version.</param>
    /// <param name="parents">What each version was made from.</param>
    public UnreachedVersions(IReadOnlyList<Finding> orphans, IReadOnlyDictionary<string, IReadOnlyList<string>> parents)
    {
        this.parents = parents;
        Findings =
        [
            .. orphans.OrderByDescending(orphan => GenerationOf(IdOf(orphan))).Select(orphan => orphan with { Repair = stop => DeleteAsync(orphan, stop) }),
        ];
    }

    public IReadOnlyList<Finding> Findings { get; }

    private static string IdOf(Finding orphan) => orphan.Where[(orphan.Where.IndexOf('/', StringComparison.Ordinal) + 1)..];

    private async Task<bool> DeleteAsync(Finding orphan, CancellationToken cancel)
    {
        var id = IdOf(orphan);
        if (!needed.Contains(id) && orphan.Repair is { } delete && await delete(cancel))
        {
            return true;
        }
        needed.UnionWith(parents.GetValueOrDefault(id) ?? []);
        return false;
    }

    /// <summary>How many versions it comes from, one after the other. However damaged the manifests are, it ends.</summary>
    private int GenerationOf(string id)
    {
        if (!generations.TryGetValue(id, out var generation))
        {
            generations[id] = 0;
            generations[id] = generation = 1 + (parents.GetValueOrDefault(id) ?? []).Select(GenerationOf).DefaultIfEmpty(0).Max();
        }
        return generation;
    }
}
