using System.Globalization;
using MathNet.Numerics.Statistics;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Training;

/// <summary>A feature that tells the target all but by itself.</summary>
/// <param name="Feature">The column or computed feature.</param>
/// <param name="Columns">The column, or what the feature is computed from.</param>
/// <param name="Evidence">What shows it, in words.</param>
internal sealed record TargetLeak(string Feature, IReadOnlyList<string> Columns, string Evidence)
{
    public bool IsComputed => Columns is not [var column] || column != Feature;
}

/// <summary>
/// Looks for features that are the target in another form: a copy in another unit, what was written down once the target was known, a column that is
/// filled in for one class only. Such a feature makes every metric shine, and is not there yet when a prediction is asked for ("leakage", after Kaufman,
/// Rosset, Perlich and Stitelman, Leakage in Data Mining, 2012). Each is looked at alone, by ranks and by equal values.
/// </summary>
internal static class TargetLeaks
{
    /// <summary>Rank correlation, AUC, and the part of the target that equal values tell: from here on a feature is taken for the target.</summary>
    internal const double AllBut = 0.999;

    private const int FewestRows = 50;
    private const int MostRows = 10_000;
    private const int MostCells = 2_000_000;

    /// <summary>Values of fewer rows say nothing: of a row alone its target is always the most frequent one.</summary>
    private const int FewestOfValue = 5;

    /// <summary>Rows of which there are fewer tell nothing.</summary>
    internal const int FewestOfClass = 10;

    /// <summary>Share of rows whose values have as many.</summary>
    private const double FewestInValues = 0.9;

    /// <param name="table">Rows that the model did not learn from; of many, some are looked at.</param>
    /// <param name="gaps">Columns whose gaps, which are filled in the table, tell the target.</param>
    /// <returns>In the order of the features; none where there are fewer than 50 rows.</returns>
    public static IReadOnlyList<TargetLeak> Of(FeatureTable table, IReadOnlySet<string> gaps)
    {
        var features = table.Numbers.Length + table.Codes.Length;
        var most = Math.Clamp(MostCells / Math.Max(1, features), FewestRows, MostRows);
        int[] rows = [.. Enumerable.Range(0, table.Rows).Where(row => !double.IsNaN(table.Labels[row]))];
        if (rows.Length < FewestRows)
        {
            return [];
        }
        rows = rows.Length <= most ? rows : [.. Enumerable.Range(0, most).Select(i => rows[(int)((long)i * rows.Length / most)])];
        var target = new Target(table.Featurizer.Target.Task, Array.ConvertAll(rows, row => table.Labels[row]));
        if (!target.CanBeTold)
        {
            return [];
        }
        var leaks = new List<TargetLeak>();
        var computed = table.Featurizer.Derived.ToDictionary(feature => feature.Name, feature => feature.Inputs, StringComparer.Ordinal);
        foreach (var (name, numbers) in table.Featurizer.NumberNames.Zip(table.Numbers))
        {
            double[] values = Array.ConvertAll(rows, row => (double)numbers[row]);
            if ((target.ByRanks(values) ?? target.ByValues(values) ?? target.ByMostFrequent(values) ?? ByGaps(name)) is { } evidence)
            {
                leaks.Add(new TargetLeak(name, computed.GetValueOrDefault(name) ?? [name], evidence));
            }
        }
        foreach (var (input, codes) in table.Featurizer.CategoryInputs.Zip(table.Codes))
        {
            if ((target.ByValues(Array.ConvertAll(rows, row => (double)codes[row])) ?? ByGaps(input.Name)) is { } evidence)
            {
                leaks.Add(new TargetLeak(input.Name, [input.Name], evidence));
            }
        }
        return leaks;

        string? ByGaps(string name) => gaps.Contains(name) ? "whether it has a value tells it" : null;
    }

    private sealed class Target(TaskKind task, double[] labels)
    {
        /// <summary>False where the target is one value, or nearly so: whatever tells it then may do so by chance.</summary>
        public bool CanBeTold => Untold(labels) >= (task == TaskKind.Regression ? double.Epsilon : FewestOfClass);

        public string? ByRanks(double[] values)
        {
            int[] known = [.. Enumerable.Range(0, values.Length).Where(row => !double.IsNaN(values[row]))];
            if (task == TaskKind.Multiclass || known.Length < Math.Max(FewestRows, FewestInValues * values.Length))
            {
                return null;
            }
            var (some, theirs) = (Array.ConvertAll(known, row => values[row]), Array.ConvertAll(known, row => labels[row]));
            if (task == TaskKind.Regression)
            {
                var correlation = Correlation.Spearman(some, theirs);
                return Math.Abs(correlation) >= AllBut
                    ? string.Create(CultureInfo.InvariantCulture, $"its rank correlation with the target is {correlation:0.#####}")
                    : null;
            }
            var auc = RankStatistics.Auc(new ScoredRows(task, theirs, some, Threshold: 0.5));
            var order = Math.Max(auc, 1 - auc);
            return order >= AllBut ? string.Create(CultureInfo.InvariantCulture, $"by itself it puts the two classes into order (AUC {order:0.#####})") : null;
        }

        public string? ByValues(double[] values)
        {
            // Equals, unlike ==, holds for NaN: rows without a value are a group like any other.
            var groups = Enumerable.Range(0, values.Length).GroupBy(row => values[row], row => labels[row]).Select(group => group.ToArray())
                .Where(group => group.Length >= FewestOfValue).ToList();
            var covered = groups.SelectMany(group => group).ToArray();
            if (groups.Count < 2 || covered.Length < FewestInValues * values.Length)
            {
                return null;
            }
            var told = 1 - (groups.Sum(group => Untold(group)) / Untold(covered));
            return told >= AllBut ? "rows with the same value of it have the same target" : null;
        }

        /// <summary>A column that is filled in for one class only: its gaps, or the value that fills them, stand for the other.</summary>
        public string? ByMostFrequent(double[] values)
        {
            var most = values.CountBy(value => value).MaxBy(pair => pair.Value).Key;
            return ByValues(Array.ConvertAll(values, value => value.Equals(most) ? 1.0 : 0.0)) is null ? null : string.Create(
                CultureInfo.InvariantCulture, $"whether it {(double.IsNaN(most) ? "has a value" : $"is {most:G6} (which may stand for a gap)")} tells it");
        }

        /// <summary>What is not told by knowing that a row is one of these: squares about the mean, or rows of another class than the most frequent.</summary>
        private double Untold(double[] some)
        {
            if (task != TaskKind.Regression)
            {
                return some.Length - some.CountBy(label => label).Max(pair => pair.Value);
            }
            var mean = some.Average();
            return some.Sum(label => (label - mean) * (label - mean));
        }
    }
}
