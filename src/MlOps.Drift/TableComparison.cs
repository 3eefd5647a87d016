using MlOps.Drift.Profiles;

namespace MlOps.Drift;

/// <summary>Compares all columns that two tables share.</summary>
public static class TableComparison
{
    /// <param name="name">What the comparison is called.</param>
    /// <param name="reference">What is compared with.</param>
    /// <param name="current">What is compared.</param>
    /// <param name="rules">How drift is judged, by column; a column without a rule by the default test and threshold.</param>
    /// <param name="limit">Share of drifted columns, 0 to 1, from which the table has drifted.</param>
    public static DriftComparison Compare(
        string name,
        (DriftSide Side, TableProfile Profile) reference,
        (DriftSide Side, TableProfile Profile) current,
        IReadOnlyDictionary<string, DriftRule> rules,
        double limit)
    {
        var (then, now) = (reference.Profile.Columns, current.Profile.Columns);
        var shared = now.Keys.Where(then.ContainsKey).ToList();
        var scores = shared.AsParallel().Select(column => ColumnComparison.Compare(column, then[column], now[column], rules.GetValueOrDefault(column)))
            .OrderByDescending(score => score.Drifted).ThenByDescending(score => score.Strength).ThenBy(score => score.Column, StringComparer.Ordinal).ToList();
        var drifted = scores.Count(score => score.Drifted);
        var share = scores.Count == 0 ? 0 : (double)drifted / scores.Count;
        return new DriftComparison(
            name, reference.Side, current.Side, scores.Count, drifted, share, scores.Count > 0 && share >= limit, scores,
            [.. then.Keys.Where(column => !now.ContainsKey(column)).Order(StringComparer.Ordinal)],
            [.. now.Keys.Where(column => !then.ContainsKey(column)).Order(StringComparer.Ordinal)]);
    }
}
