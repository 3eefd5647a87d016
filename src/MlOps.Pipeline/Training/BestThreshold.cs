namespace MlOps.Pipeline.Training;

/// <summary>The probability from which on rows are best predicted positive, by a metric of the decisions.</summary>
internal static class BestThreshold
{
    /// <summary>
    /// Half-way between the two neighbouring predictions between which the metric is largest; of equal ones the one that is nearest to an even chance.
    /// </summary>
    /// <param name="rows">Predictions that were not learnt from their rows.</param>
    /// <param name="metric">A metric of decisions: f1 or accuracy.</param>
    public static double Of(ScoredRows rows, string metric)
    {
        var order = Enumerable.Range(0, rows.Count).OrderByDescending(row => rows.Scores[row]).ToArray();
        var positives = rows.Labels.Count(label => label > 0.5);
        var (best, value) = (rows.Threshold, double.NegativeInfinity);
        var (hits, alarms) = (0, 0);
        for (var i = 0; i <= order.Length; i++)
        {
            if (i == 0 || i == order.Length)
            {
                Consider(i == 0 ? Above(rows.Scores[order[0]]) : rows.Scores[order[^1]]);
            }
            else if (rows.Scores[order[i]] < rows.Scores[order[i - 1]])
            {
                Consider((rows.Scores[order[i - 1]] + rows.Scores[order[i]]) / 2);
            }
            if (i < order.Length)
            {
                _ = rows.Labels[order[i]] > 0.5 ? hits++ : alarms++;
            }
        }
        return best;

        // A probability that no row reaches, where one is left.
        static double Above(double largest) => Math.Min(1, Math.BitIncrement(largest));

        void Consider(double threshold)
        {
            var misses = positives - hits;
            var right = hits + (rows.Count - positives - alarms);
            var found = metric switch
            {
                "f1" => 2.0 * hits / Math.Max(1, (2 * hits) + alarms + misses),
                "accuracy" => (double)right / rows.Count,
                _ => throw new ArgumentOutOfRangeException(nameof(metric), metric, "It is no metric of decisions."),
            };
            if (found > value || (found == value && Math.Abs(threshold - 0.5) < Math.Abs(best - 0.5)))
            {
                (best, value) = (threshold, found);
            }
        }
    }
}
