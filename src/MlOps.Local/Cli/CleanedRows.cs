using System.Globalization;
using MlOps.Pipeline.Stages.Clean;
using MlOps.Pipeline.Tracking;

namespace MlOps.Local.Cli;

/// <summary>What stage clean made of the table's rows.</summary>
/// <param name="Total">Rows of the table, also those that could not be read.</param>
/// <param name="Kept">Rows that stayed.</param>
/// <param name="Dropped">Dropped rows by reason, such as <c>null: age</c>.</param>
internal sealed record CleanedRows(long Total, long Kept, IReadOnlyDictionary<string, long> Dropped)
{
    /// <summary>What the stage's metrics start with.</summary>
    private const string Metric = "dropped: ";

    /// <summary>Null when the run did not come to clean rows.</summary>
    public static CleanedRows? Of(RunDetails details)
    {
        if (details.Stages.FirstOrDefault(stage => stage.Stage == CleanStage.Name)?.Rows is not { } kept)
        {
            return null;
        }
        var dropped = details.Metrics.Where(metric => IsDropped(metric.Key))
            .Select(metric => (Reason: metric.Key[Metric.Length..], Rows: (long)metric.Value))
            .OrderByDescending(reason => reason.Rows)
            .ToDictionary(reason => reason.Reason, reason => reason.Rows, StringComparer.Ordinal);
        return new CleanedRows(kept + dropped.Values.Sum(), kept, dropped);
    }

    public static bool IsDropped(string metric) => metric.StartsWith(Metric, StringComparison.Ordinal);

    /// <summary>One sentence, the commonest reasons first.</summary>
    /// <param name="mostReasons">How many reasons are named; the others are counted together.</param>
    public string Describe(int mostReasons)
    {
        if (Dropped.Count == 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"All {Total:N0} rows kept.");
        }
        var reasons = Dropped.Take(mostReasons).Select(reason => Count(InWords(reason.Key), reason.Value)).ToList();
        var others = Dropped.Skip(mostReasons).ToList();
        if (others.Count > 0)
        {
            reasons.Add(Count(others.Count == 1 ? "for another reason" : $"for {others.Count} other reasons", others.Sum(reason => reason.Value)));
        }
        return string.Create(CultureInfo.InvariantCulture, $"{Kept:N0} of {Total:N0} rows kept, {Total - Kept:N0} dropped: {string.Join(", ", reasons)}.");
    }

    private static string Count(string reason, long rows) => string.Create(CultureInfo.InvariantCulture, $"{rows:N0} {reason}");

    private static string InWords(string reason) => reason.Split(": ", 2) switch
    {
        ["null", var column] => $"null in {column}",
        ["unparseable", var column] => $"unreadable in {column}",
        ["not finite", var column] => $"not a finite number in {column}",
        ["below min", var column] => $"below the minimum of {column}",
        ["above max", var column] => $"above the maximum of {column}",
        ["not allowed", var column] => $"not allowed in {column}",
        ["duplicate"] => "duplicates",
        ["wrong number of cells"] => "with a wrong number of cells",
        _ => reason,
    };
}
