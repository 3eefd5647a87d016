using MlOps.Pipeline.Reports.Monitoring;

namespace MlOps.Serving.Signals;

/// <summary>
/// How the states of signals differ from those that people know of. A signal that is not judged stays in its state, and so does one that a new version goes on
/// with. Feature drift has a rule of its own, by column, so that it is no change here.
/// </summary>
/// <param name="After">The states after this window.</param>
/// <param name="Begun">Signals that have become warnings.</param>
/// <param name="Over">Signals that are none any more.</param>
internal sealed record SignalChange(
    IReadOnlyDictionary<string, SignalVerdict> After, IReadOnlyList<SignalResult> Begun, IReadOnlyList<SignalResult> Over)
{
    public bool IsNews => Begun.Count + Over.Count > 0;

    /// <summary>What has changed, in a few words.</summary>
    public string Title => string.Join("; ", Titles());

    /// <summary>One sentence for each signal that has changed.</summary>
    public IReadOnlyList<string> Sentences =>
    [
        .. Begun.Select(signal => $"{SignalNames.Said(signal.Signal)} is a warning: {signal.Text}"),
        .. Over.Select(signal => $"{SignalNames.Said(signal.Signal)} is over: {signal.Text}"),
    ];

    public static SignalChange Of(IReadOnlyDictionary<string, SignalVerdict> before, IReadOnlyList<SignalResult> results)
    {
        var after = before.ToDictionary(StringComparer.Ordinal);
        var (begun, over) = (new List<SignalResult>(), new List<SignalResult>());
        foreach (var result in results.Where(result => result.Signal != SignalNames.FeatureDrift && result.Verdict != SignalVerdict.NotJudged))
        {
            var wasWarning = before.GetValueOrDefault(result.Signal) == SignalVerdict.Warning;
            if (result.Verdict == SignalVerdict.Warning && !wasWarning)
            {
                begun.Add(result);
            }
            else if (result.Verdict == SignalVerdict.Ok && wasWarning)
            {
                over.Add(result);
            }
            after[result.Signal] = result.Verdict;
        }
        return new SignalChange(after, begun, over);
    }

    private IEnumerable<string> Titles()
    {
        if (Begun.Count > 0)
        {
            yield return $"warning of {Names(Begun)}";
        }
        if (Over.Count > 0)
        {
            yield return $"{Names(Over)} {(Over.Count == 1 ? "is" : "are")} over";
        }

        static string Names(IEnumerable<SignalResult> some) => string.Join(", ", some.Select(signal => SignalNames.Said(signal.Signal)));
    }
}
