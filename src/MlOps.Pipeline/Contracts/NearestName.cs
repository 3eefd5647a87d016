namespace MlOps.Pipeline.Contracts;

/// <summary>Finds what a mistyped name was probably meant to be, and ends the sentence that says it is not known.</summary>
public static class NearestName
{
    /// <summary>Most names that a sentence lists.</summary>
    private const int MostListed = 10;

    /// <summary>A name that is longer was not mistyped, and comparing it would take its time.</summary>
    private const int LongestName = 200;

    /// <summary>From this length, the beginning of a name stands for it.</summary>
    private const int ShortestBeginning = 3;

    /// <summary>
    /// The candidate that takes the fewest edits, letter case aside, among those that are near: at most a third of the longer name is edited
    /// (rounded up, and never all of it), or one name begins with the other. An edit adds, drops or replaces a letter, or swaps two neighbours.
    /// Null when none is near.
    /// </summary>
    public static string? Of(string name, IEnumerable<string> candidates) => name.Length > LongestName ? null : candidates
        .Where(candidate => candidate.Length <= LongestName)
        .Select(candidate => (Name: candidate, Edits: EditsIfNear(name.ToLowerInvariant(), candidate.ToLowerInvariant())))
        .Where(candidate => candidate.Edits is not null)
        .OrderBy(candidate => candidate.Edits)
        .FirstOrDefault().Name;

    /// <summary>The end of a sentence that lists the names there are by itself: <c>; did you mean 'a'?</c>, or a full stop.</summary>
    public static string Question(string name, IEnumerable<string> known) => Of(name, known) is { } near ? $"; did you mean '{near}'?" : ".";

    /// <summary>The end of a sentence: <c>; did you mean 'a'?</c>, or when none is near <c>; known are a, b, c.</c></summary>
    public static string Ending(string name, IReadOnlyCollection<string> known) => (Of(name, known), known.Count) switch
    {
        (null, 0) => ".",
        (null, 1) => $"; known is {List(known)}.",
        (null, > MostListed) => $"; known are {List(known)}",
        (null, _) => $"; known are {List(known)}.",
        ({ } near, _) => $"; did you mean '{near}'?",
    };

    /// <summary>The first names, and whether there are more.</summary>
    public static string List(IReadOnlyCollection<string> names) => string.Join(", ", names.Take(MostListed)) + (names.Count > MostListed ? ", …" : "");

    private static int? EditsIfNear(string a, string b)
    {
        var (shorter, longer) = a.Length <= b.Length ? (a, b) : (b, a);
        if (shorter.Length >= ShortestBeginning && longer.StartsWith(shorter, StringComparison.Ordinal))
        {
            return longer.Length - shorter.Length;
        }
        var most = Math.Min((longer.Length + 2) / 3, longer.Length - 1);
        return longer.Length - shorter.Length <= most && Edits(a, b) is var edits && edits <= most ? edits : null;
    }

    /// <summary>Levenshtein distance in which swapped neighbours count once (optimal string alignment).</summary>
    private static int Edits(string a, string b)
    {
        var before = new int[b.Length + 1];
        var last = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var row = new int[b.Length + 1];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                var swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] ? before[j - 2] + 1 : int.MaxValue;
                row[j] = Math.Min(Math.Min(replaced, swapped), Math.Min(last[j], row[j - 1]) + 1);
            }
            (before, last) = (last, row);
        }
        return last[^1];
    }
}
