using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Scoring;

namespace MlOps.Pipeline.Reports.Explain;

/// <summary>What the pages and charts of an explanation show.</summary>
public sealed record ExplanationData
{
    /// <summary>The predicted column.</summary>
    public required TargetColumn Target { get; init; }
    /// <summary>Key of the model in its definition, such as <c>0-lightgbm</c>.</summary>
    public required string Trainer { get; init; }
    /// <summary>How it was explained.</summary>
    public required ExplainerKind Kind { get; init; }
    /// <summary>Why there are no SHAP values; null when there are.</summary>
    public string? Fallback { get; init; }
    /// <summary>Rows that the sample was taken from.</summary>
    public required long ValidationRows { get; init; }
    /// <summary>Every feature, the most important first.</summary>
    public required IReadOnlyList<ExplainedFeature> Features { get; init; }
    /// <summary>What the contributions of every row are counted from; empty without SHAP values.</summary>
    public double[] BaseValues { get; init; } = [];
    /// <summary>Prediction of every row in the unit of the contributions; empty without SHAP values.</summary>
    public double[] Predictions { get; init; } = [];
    /// <summary>Multiclass: the predicted class of every row, whose score its contributions add up to; null: another task.</summary>
    public IReadOnlyList<string>? Predicted { get; init; }

    public bool HasShap => Kind != ExplainerKind.Permutation;

    public string Unit => Target.Task switch
    {
        TaskKind.Binary => $"log-odds of {Target.Name} = {Target.Positive}",
        TaskKind.Multiclass => $"score of the predicted {Target.Name}",
        _ => Target.Name,
    };

    /// <summary>What the importance of a feature is.</summary>
    public string ImportanceLabel => HasShap
        ? $"mean |SHAP value| ({Unit})"
        : Target.Task switch
        {
            TaskKind.Binary => "loss of AUC when shuffled",
            TaskKind.Multiclass => "gain of log loss when shuffled",
            _ => "gain of RMSE when shuffled",
        };

    /// <summary>Collects an explanation with SHAP values.</summary>
    /// <param name="kind">How it was explained.</param>
    /// <param name="trainer">Key of the model.</param>
    /// <param name="table">The table that the rows are of.</param>
    /// <param name="rows">Which rows.</param>
    /// <param name="shap">Their values.</param>
    internal static ExplanationData OfShap(ExplainerKind kind, string trainer, FeatureTable table, int[] rows, RowShap shap)
    {
        var predictions = new double[rows.Length];
        var features = shap.Features.Select((name, feature) => ExplainedFeature.Of(
            name, feature, table, rows, [.. rows.Select((_, row) => shap.Contributions[(row * shap.Features.Count) + feature])])).ToList();
        for (var row = 0; row < rows.Length; row++)
        {
            predictions[row] = shap.BaseValues[row] + features.Sum(feature => feature.Contributions[row]);
        }
        var target = table.Featurizer.Target;
        return new ExplanationData
        {
            Target = target,
            Trainer = trainer,
            Kind = kind,
            ValidationRows = table.Rows,
            Features = Sort(features),
            BaseValues = shap.BaseValues,
            Predictions = predictions,
            Predicted = shap.Predicted is null ? null : [.. shap.Predicted.Select(place => target.Classes![place])],
        };
    }

    /// <summary>Collects an explanation without SHAP values.</summary>
    internal static ExplanationData OfPermutation(double[] importances, string fallback, string trainer, FeatureTable table, int[] rows)
    {
        var names = table.Featurizer.Signature.Features;
        var features = names.Select((column, feature) => ExplainedFeature.Of(column.Name, feature, table, rows, []) with { Importance = importances[feature] });
        return new ExplanationData
        {
            Target = table.Featurizer.Target,
            Trainer = trainer,
            Kind = ExplainerKind.Permutation,
            Fallback = fallback,
            ValidationRows = table.Rows,
            Features = Sort(features),
        };
    }

    private static IReadOnlyList<ExplainedFeature> Sort(IEnumerable<ExplainedFeature> features) =>
        [.. features.OrderByDescending(feature => feature.Importance)];
}

/// <summary>One feature of an explanation.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Place">Its place in the signature.</param>
/// <param name="Importance">See <see cref="ExplanationData.ImportanceLabel"/>.</param>
/// <param name="Values">Its value in every row, or the index of its category; NaN is missing, −1 a category that the model does not know.</param>
/// <param name="Categories">Categorical features: its categories.</param>
/// <param name="Contributions">Its SHAP value in every row.</param>
public sealed record ExplainedFeature(string Name, int Place, double Importance, float[] Values, IReadOnlyList<string>? Categories, double[] Contributions)
{
    internal static ExplainedFeature Of(string name, int place, FeatureTable table, int[] rows, double[] contributions)
    {
        var direct = table.Featurizer.Direct;
        var categories = place < direct.Count ? direct[place].Categories : null;
        var column = direct.Take(place).Count(input => input.Categories is null == categories is null) + (place > direct.Count ? place - direct.Count : 0);
        float[] values = categories is null ? [.. rows.Select(row => table.Numbers[column][row])] : [.. rows.Select(row => (float)table.Codes[column][row])];
        var importance = contributions.Length == 0 ? 0 : contributions.Average(Math.Abs);
        return new ExplainedFeature(name, place, importance, values, categories, contributions);
    }

    /// <summary>A row's value as text.</summary>
    public string Show(int row) => Values[row] switch
    {
        float.NaN => "missing",
        < 0 when Categories is not null => "other",
        var code when Categories is not null => Categories[(int)code],
        var number => number.ToString("G5", System.Globalization.CultureInfo.InvariantCulture),
    };
}
