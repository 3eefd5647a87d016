namespace MlOps.Explain;

/// <summary>
/// Shapley values of one leaf. With d conditions, o[i] = 1 where the row meets condition i (else 0) and z[i] the share of rows that does,
/// <c>phi[i] = value · (o[i] − z[i]) · Σ over subsets S of the others: |S|! (d−1−|S|)! / d! · Π in S: o · Π outside S: z</c>
/// (Lundberg et al., 2020, "From local explanations to global understanding with explainable AI for trees", algorithm 2). Conditions
/// that are not met have o = 0, so only subsets of those that are met count, and all that are not met share one sum.
/// </summary>
internal static class ShapleyWeights
{
    /// <summary>Deepest path that <see cref="Compute"/> takes: conditions of one leaf.</summary>
    public const int MostConditions = 1024;

    private static readonly double[]?[] Cached = new double[]?[MostConditions + 1];

    /// <param name="value">The leaf's value.</param>
    /// <param name="conditions">Its conditions; at most <see cref="MostConditions"/>.</param>
    /// <param name="met">Which of them the row meets.</param>
    /// <param name="shapley">Takes the value of every condition.</param>
    public static void Compute(double value, ReadOnlySpan<PathCondition> conditions, ReadOnlySpan<bool> met, Span<double> shapley)
    {
        var d = conditions.Length;
        var weights = Of(d);
        // Coefficients of Π (z + y) over the met conditions: coefficient s sums the products of z outside the subsets of size s.
        Span<double> sums = stackalloc double[d + 1];
        sums[0] = 1;
        var count = 0;
        var unmet = value;
        for (var i = 0; i < d; i++)
        {
            if (!met[i])
            {
                unmet *= conditions[i].Share;
                continue;
            }
            var z = conditions[i].Share;
            count++;
            sums[count] = sums[count - 1];
            for (var s = count - 1; s > 0; s--)
            {
                sums[s] = (sums[s] * z) + sums[s - 1];
            }
            sums[0] *= z;
        }
        var ofUnmet = 0.0;
        if (count < d)
        {
            for (var s = 0; s <= count; s++)
            {
                ofUnmet -= weights[s] * sums[s];
            }
        }
        for (var i = 0; i < d; i++)
        {
            shapley[i] = unmet * (met[i] ? (1 - conditions[i].Share) * WithoutOne(sums[..(count + 1)], conditions[i].Share, weights) : ofUnmet);
        }
    }

    /// <summary>The weighted sum with one factor (z + y) divided out.</summary>
    private static double WithoutOne(ReadOnlySpan<double> sums, double z, double[] weights)
    {
        var quotient = 0.0;
        var total = 0.0;
        for (var s = sums.Length - 1; s > 0; s--)
        {
            quotient = sums[s] - (z * quotient);
            total += weights[s - 1] * quotient;
        }
        return total;
    }

    /// <summary>s! (d − 1 − s)! / d! for every s below d.</summary>
    private static double[] Of(int d)
    {
        if (Cached[d] is { } known)
        {
            return known;
        }
        var weights = new double[Math.Max(d, 1)];
        weights[0] = 1.0 / Math.Max(d, 1);
        for (var s = 1; s < d; s++)
        {
            weights[s] = weights[s - 1] * s / (d - s);
        }
        return Cached[d] = weights;
    }
}
