using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Validate;

/// <summary>The validation rows as the model sees them, and what it predicts for each. Row i of every list is the same row.</summary>
public sealed class ValidationRows
{
    private readonly FeatureTable table;

    internal ValidationRows(FeatureTable table, double[] predicted) => (this.table, Predicted) = (table, predicted);

    public int Count => table.Rows;

    /// <summary>The target: its value, or for binary 1 for positive and 0 for negative.</summary>
    public IReadOnlyList<double> Actual => table.Labels;

    /// <summary>The predicted value, or for binary the probability of being positive, 0 to 1.</summary>
    public IReadOnlyList<double> Predicted { get; }

    /// <summary>A categorical feature; null where the value is missing, or none of the categories that the model knows.</summary>
    /// <exception cref="InputException">The model has no such categorical feature.</exception>
    public IReadOnlyList<string?> Categories(string feature)
    {
        var inputs = table.Featurizer.Direct.Where(input => input.Categories is not null).ToList();
        var place = inputs.FindIndex(input => input.Name == feature);
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
        var names = table.Featurizer.Direct.Where(input => input.Categories is null).Select(input => input.Name)
            .Concat(table.Featurizer.Derived.Select(derived => derived.Name)).ToList();
        var place = names.IndexOf(feature);
        return place < 0 ? throw Unknown(feature, "numeric", names) : table.Numbers[place];
    }

    private static InputException Unknown(string feature, string kind, IReadOnlyCollection<string> known) =>
        new($"The model has no {kind} feature '{feature}'{NearestName.Ending(feature, known)}");
}
