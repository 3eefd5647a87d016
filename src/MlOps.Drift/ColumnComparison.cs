using System.Globalization;
using MlOps.Drift.Profiles;

namespace MlOps.Drift;

/// <summary>Compares one column of two tables.</summary>
internal static class ColumnComparison
{
    private const int MostExamples = 10;
    private const double SmallestPValue = 1e-300;

    public static ColumnDrift Compare(string column, ColumnProfile reference, ColumnProfile current, DriftRule? rule)
    {
        var drift = new ColumnDrift
        {
            Column = column,
            Kind = current is NumericProfile ? "numeric" : "categorical",
            Drifted = false,
            Reference = SideOf(reference),
            Current = SideOf(current),
        };
        if (reference.GetType() != current.GetType())
        {
            return drift with
            {
                Drifted = true,
                Strength = double.MaxValue,
                Note = $"The reference side is {(reference is NumericProfile ? "numeric" : "categorical")}.",
            };
        }
        if (reference.Count == 0 || current.Count == 0)
        {
            return Missing(drift, reference, current);
        }
        var pair = new ColumnPair(reference, current);
        return Tested(WithCategories(drift, pair) with { Distribution = DistributionChart.Of(pair) }, pair, rule);
    }

    /// <summary>A side without any value cannot be tested: that it lost or gained all of them is drift enough.</summary>
    private static ColumnDrift Missing(ColumnDrift drift, ColumnProfile reference, ColumnProfile current)
    {
        var drifted = reference.Count != current.Count;
        var note =
            !drifted ? "Every value is missing on both sides."
            : current.Count == 0 ? "Every value is missing now."
            : "Every value is missing in the reference.";
        return drift with { Drifted = drifted, Strength = drifted ? double.MaxValue : 0, Note = note };
    }

    private static ColumnDrift Tested(ColumnDrift drift, ColumnPair pair, DriftRule? rule)
    {
        var misfit = rule?.Test is { } named && DriftTests.Of(named).NeedsNumbers && !pair.IsNumeric;
        var test = rule?.Test is { } chosen && !misfit ? DriftTests.Of(chosen) : DriftTests.Default(pair);
        var threshold = misfit ? test.Threshold : rule?.Threshold ?? test.Threshold;
        var score = test.Score(pair);
        return drift with
        {
            Test = test.Name,
            Title = test.Title,
            Score = double.IsNaN(score) ? null : score,
            Threshold = threshold,
            Rule = RuleOf(test, threshold),
            Drifted = test.Drifts(score, threshold),
            Strength = Strength(test, score, threshold),
            Note = NoteOf(misfit, rule, pair, score) ?? (test.Kind == DriftTestKind.ChiSquare ? NoteOfUnseen(pair) : null),
        };
    }

    private static string? NoteOf(bool misfit, DriftRule? rule, ColumnPair pair, double score) =>
        (misfit, double.IsNaN(score), pair) switch
        {
            (true, _, _) => $"The declared test {DriftTests.Of(rule!.Test!.Value).Name} needs numbers; the default was used.",
            (_, true, _) => "The score is undefined on these values, which shows no drift.",
            (_, _, { Reference: CategoryProfile { IsExact: false } } or { Current: CategoryProfile { IsExact: false } }) =>
                $"Too many categories to keep: compared in {CategoryHash.Buckets} hash buckets.",
            _ => null,
        };

    /// <summary>Where the reference has none of a value none is expected, and one row with it makes the statistic infinite: people must know that.</summary>
    private static string? NoteOfUnseen(ColumnPair pair)
    {
        var (reference, current) = pair.AlignCounts();
        var unseen = Enumerable.Range(0, reference.Length).Where(i => reference[i] == 0).ToList();
        var rows = unseen.Sum(i => current[i]);
        return unseen.Count == 0 ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"{rows:N0} of {pair.Current.Count:N0} rows {(rows == 1 ? "has a value" : "have values")} that the reference does not have, "
                + $"which alone makes p zero.")
            + " For a column of rare values, declare jensenshannon or psi.";
    }

    private static double Strength(DriftTest test, double score, double threshold)
    {
        const double SmallestThreshold = 1e-12;
        return double.IsNaN(score) ? 0 : test.IsPValue ? threshold / Math.Max(score, SmallestPValue) : score / Math.Max(threshold, SmallestThreshold);
    }

    private static string RuleOf(DriftTest test, double threshold)
    {
        var sign = test.Verdict switch { DriftVerdict.Below => "<", DriftVerdict.AtMost => "≤", DriftVerdict.AtLeast => "≥", _ => ">" };
        return string.Create(CultureInfo.InvariantCulture, $"{(test.IsPValue ? "p" : "distance")} {sign} {threshold}");
    }

    private static ColumnDrift WithCategories(ColumnDrift drift, ColumnPair pair)
    {
        if (pair is not { Reference: CategoryProfile { IsExact: true } reference, Current: CategoryProfile { IsExact: true } current })
        {
            return drift;
        }
        var added = current.Counts.Where(category => !reference.Counts.ContainsKey(category.Key)).OrderByDescending(category => category.Value)
            .ThenBy(category => category.Key, StringComparer.Ordinal).ToList();
        return drift with
        {
            NewCategories = added.Count,
            NewExamples = added.Count == 0 ? null : [.. added.Take(MostExamples).Select(category => category.Key)],
            LostCategories = reference.Counts.Keys.Count(category => !current.Counts.ContainsKey(category)),
        };
    }

    private static ColumnSide SideOf(ColumnProfile profile) => profile is NumericProfile { Count: > 0 } numbers
        ? new ColumnSide(numbers.Count, numbers.Missing, numbers.Mean, Math.Sqrt(numbers.SquaredDeviations / numbers.Count), numbers.Min, numbers.Max)
        : new ColumnSide(profile.Count, profile.Missing);
}
