using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Training;

/// <summary>
/// Parts of a training table of which each is held out once, so that every row is predicted by a model that did not learn from it (cross-validation; Stone,
/// Cross-Validatory Choice and Assessment of Statistical Predictions, 1974). The rows of a group share a part; classes are spread evenly.
/// </summary>
/// <param name="Count">Number of parts, 2 or more.</param>
/// <param name="PartOf">The part of each row, 0 to <paramref name="Count"/> − 1.</param>
internal sealed record Folds(int Count, int[] PartOf)
{
    /// <summary>With fewer different rows in a part nothing could be said of a model.</summary>
    private const int FewestDraws = 2;

    /// <param name="table">The training rows.</param>
    /// <param name="most">Number of parts wanted; fewer where rows, groups or one of the classes are few.</param>
    /// <param name="grouped">Whether rows belong to groups: then these are spread, whatever classes their rows have.</param>
    /// <returns>Null where no two parts can be cut: too few rows, or rows that are ordered by time.</returns>
    public static Folds? Of(FeatureTable table, int most, bool grouped)
    {
        if (most < 2 || table.Rows == 0 || float.IsNaN(table.Draws[0]))
        {
            return null;
        }
        var task = table.Featurizer.Target.Task;
        var byClass = !grouped && task != TaskKind.Regression;
        var classes = Enumerable.Range(0, table.Rows).GroupBy(row => byClass ? table.Labels[row] : 0).OrderBy(rows => rows.Key).ToList();
        var ranks = new int[table.Rows];
        var count = most;
        var (first, all) = (0, 0);
        foreach (var rows in classes)
        {
            var draws = rows.GroupBy(row => table.Draws[row]).OrderBy(draw => draw.Key).ToList();
            all += draws.Count;
            if (task != TaskKind.Multiclass)
            {
                count = Math.Min(count, draws.Count / FewestDraws);
            }
            foreach (var (draw, rank) in draws.Select((draw, rank) => (draw, rank)))
            {
                foreach (var row in draw)
                {
                    ranks[row] = first + rank;
                }
            }
            if (task == TaskKind.Multiclass)
            {
                // One of many classes may have fewer rows than there are parts: the next class goes on where it ends, else all such rows were in the first.
                first += draws.Count;
            }
        }
        count = Math.Min(count, all / FewestDraws);
        return count < 2 ? null : new Folds(count, Array.ConvertAll(ranks, rank => rank % count));
    }

    /// <summary>Marks the rows of a part.</summary>
    public bool[] Held(int part) => Array.ConvertAll(PartOf, of => of == part);
}
