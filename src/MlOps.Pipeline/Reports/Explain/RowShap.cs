using MlOps.Pipeline.Features;
using MlOps.Pipeline.Scoring;

namespace MlOps.Pipeline.Reports.Explain;

/// <summary>SHAP values of some rows, of several classes those of the class that is predicted.</summary>
/// <param name="Features">Names of the features.</param>
/// <param name="BaseValues">For every row what its contributions are counted from.</param>
/// <param name="Contributions">Row after row, one number a feature.</param>
/// <param name="Predicted">Multiclass: the place of each row's class; null: another task.</param>
internal sealed record RowShap(IReadOnlyList<string> Features, double[] BaseValues, double[] Contributions, int[]? Predicted)
{
    /// <param name="explainer">The model's explainer.</param>
    /// <param name="table">The table.</param>
    /// <param name="rows">Which of its rows.</param>
    /// <param name="predicted">Multiclass: the place of each row's class.</param>
    /// <param name="threads">Threads to use.</param>
    /// <param name="cancel">Stops the work.</param>
    public static RowShap Of(ModelExplainer explainer, FeatureTable table, int[] rows, int[]? predicted, int threads, CancellationToken cancel)
    {
        var (names, bases) = (explainer.Features, explainer.BaseValues);
        if (predicted is null)
        {
            return new RowShap(names, [.. rows.Select(_ => bases[0])], explainer.Explain(table, rows, output: 0, threads, cancel), null);
        }
        var contributions = new double[rows.Length * names.Count];
        foreach (var ofClass in Enumerable.Range(0, rows.Length).GroupBy(row => predicted[row]))
        {
            int[] members = [.. ofClass];
            var own = explainer.Explain(table, [.. members.Select(row => rows[row])], ofClass.Key, threads, cancel);
            for (var i = 0; i < members.Length; i++)
            {
                own.AsSpan(i * names.Count, names.Count).CopyTo(contributions.AsSpan(members[i] * names.Count));
            }
        }
        return new RowShap(names, [.. predicted.Select(place => bases[place])], contributions, predicted);
    }
}
