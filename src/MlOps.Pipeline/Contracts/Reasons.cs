namespace MlOps.Pipeline.Contracts;

/// <summary>Keeps the reasons that a run carries from stage to stage short: an engine stores every word, several times.</summary>
public static class Reasons
{
    private const int Most = 10;
    private const int Longest = 500;

    /// <summary>At most ten reasons, each of at most 500 characters.</summary>
    public static IReadOnlyList<Reason> Cap(IReadOnlyList<Reason> reasons)
    {
        IEnumerable<Reason> shown = reasons.Take(Most).Select(reason => reason with { Text = Cut(reason.Text) });
        return reasons.Count > Most ? [.. shown, new Reason($"… and {reasons.Count - Most} more.")] : [.. shown];
    }

    /// <summary>The sentences, for people.</summary>
    public static IReadOnlyList<string> Texts(this IReadOnlyList<Reason> reasons) => [.. reasons.Select(reason => reason.Text)];

    private static string Cut(string text) => text.Length <= Longest ? text : string.Concat(text.AsSpan(0, Longest), " …");
}
