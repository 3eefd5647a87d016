namespace MlOps.Pipeline.Data;

/// <summary>How an index differs from what it leads to.</summary>
/// <param name="Missing">What it does not lead to.</param>
/// <param name="Stale">Its keys that lead nowhere.</param>
public sealed record IndexGaps(IReadOnlyList<string> Missing, IReadOnlyList<string> Stale);
