namespace MlOps.Pipeline.Features;

/// <summary>Probabilities of several classes, in the order of <see cref="TargetColumn.Classes"/>.</summary>
internal static class ClassProbabilities
{
    /// <summary>The place of the largest one; of equal ones the first.</summary>
    public static int MostProbable(ReadOnlySpan<double> probabilities)
    {
        var best = 0;
        for (var place = 1; place < probabilities.Length; place++)
        {
            if (probabilities[place] > probabilities[best])
            {
                best = place;
            }
        }
        return best;
    }
}
