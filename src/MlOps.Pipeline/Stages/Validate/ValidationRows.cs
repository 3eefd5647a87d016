using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Validate;

/// <summary>The validation rows as the model sees them, and what it predicts for each. Row i of every list is the same row.</summary>
public sealed class ValidationRows
{
    private readonly FeatureTable table;

    private readonly double[] scores;

    /// <param name="table">The rows.</param>
    /// <param name="scores">As the model predicts them: of several classes, row after row, the probability of each.</param>
    internal ValidationRows(FeatureTable table, double[] scores)
    {
        (this.table, this.scores) = (table, scores);
        var outputs = table.Featurizer.Target.Outputs;
        Predicted = outputs == 1
            ? scores
            : [.. Enumerable.Range(0, table.Rows).Select(row => (double)ClassProbabilities.MostProbable(scores.AsSpan(row * outputs, outputs)))];
    }

    public int Count => table.Rows;

    /// <summary>
    /// The target: its value, for binary 1 for positive and 0 for negative, for multiclass the place of its class in <see cref="TargetColumn.Classes"/>.
    /// </summary>
    public IReadOnlyList<double> Actual => table.Labels;

    /// <summary>The predicted value, for binary the probability of being positive, 0 to 1, for multiclass the place of the most probable class.</summary>
    public IReadOnlyList<double> Predicted { get; }

    /// <summary>Multiclass: the probability of one class, 0 to 1.</summary>
    /// <exception cref="InputException">The target has no such class.</exception>
    public IReadOnlyList<double> Probabilities(string label)
    {
        IReadOnlyList<string> classes = table.Featurizer.Target.Classes ?? [];
        var place = classes.ToList().IndexOf(label);
        return place >= 0
            ? [.. Enumerable.Range(0, table.Rows).Select(row => scores[(row * classes.Count) + place])]
            : throw new InputException($"The target '{table.Featurizer.Target.Name}' has no class '{label}'{NearestName.Ending(label, [.. classes])}");
    }

    /// <summary>A categorical feature; null where the value is missing, or none of the categories that the model knows.</summary>
    /// <exception cref="InputException">The model has no such categorical feature.</exception>
    public IReadOnlyList<string?> Categories(string feature)
    {
        var inputs = table.Featurizer.CategoryInputs;
        var place = inputs.ToList().FindIndex(input => input.Name == feature);
        if (place < 0)
        {
            throw Unknown(feature, "categorical", [.. inputs.Select(input => input.Name)]);
        }
        var categories = inputs[place].Categories!;
        return [.. table.Codes[place].Select(code => code < 0 ? null : categories[code])];
    }

    /// <summary>A numeric feature, computed ones included (booleans are 1 and 0); NaN is missing.</summary>
    /// <exception cref="InputException">The model has no such numeric feature.</exception>
    public IReadOnlyList<float> Numbers(string feature)
    {
        var names = table.Featurizer.NumberNames;
        var place = names.ToList().IndexOf(feature);
        return place < 0 ? throw Unknown(feature, "numeric", names) : table.Numbers[place];
    }

    private static InputException Unknown(string feature, string kind, IReadOnlyCollection<string> known) =>
        new($"The model has no {kind} feature '{feature}'{NearestName.Ending(feature, known)}");
}
