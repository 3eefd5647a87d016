using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Drift.Profiles;

namespace MlOps.Pipeline.Stages.Drift;

/// <summary>Compares all columns that two tables share.</summary>
internal static class TableComparison
{
    public static DriftComparison Compare(string name, (DriftSide Side, TableProfile Profile) reference, (DriftSide Side, TableProfile Profile) current, PipelineDefinition definition)
    {
        var (then, now) = (reference.Profile.Columns, current.Profile.Columns);
        var shared = now.Keys.Where(then.ContainsKey).ToList();
        var scores = shared.AsParallel().Select(column => ColumnComparison.Compare(column, then[column], now[column], definition.Columns.GetValueOrDefault(column)?.Drift))
            .OrderByDescending(score => score.Drifted).ThenByDescending(score => score.Strength).ThenBy(score => score.Column, StringComparer.Ordinal).ToList();
        var drifted = scores.Count(score => score.Drifted);
        var share = scores.Count == 0 ? 0 : (double)drifted / scores.Count;
        return new DriftComparison(
            name, reference.Side, current.Side, scores.Count, drifted, share, scores.Count > 0 && share >= definition.Gates.DriftShare, scores,
            [.. then.Keys.Where(column => !now.ContainsKey(column)).Order(StringComparer.Ordinal)], [.. now.Keys.Where(column => !then.ContainsKey(column)).Order(StringComparer.Ordinal)]);
    }
}
