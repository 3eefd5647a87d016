namespace MlOps.Pipeline.Orchestration;

/// <summary>Keeps the reasons that a run carries from stage to stage short: an engine stores every word, several times.</summary>
public static class Reasons
{
    private const int Most = 10;
    private const int Longest = 500;

    /// <summary>At most ten reasons, each of at most 500 characters.</summary>
    public static IReadOnlyList<string> Cap(IReadOnlyList<string> reasons)
    {
        IEnumerable<string> shown = reasons.Take(Most).Select(Cut);
        return reasons.Count > Most ? [.. shown, $"… and {reasons.Count - Most} more."] : [.. shown];
    }

    private static string Cut(string reason) => reason.Length <= Longest ? reason : string.Concat(reason.AsSpan(0, Longest), " …");
}
