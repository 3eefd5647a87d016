using Microsoft.ML;
using Microsoft.ML.Calibrators;
using Microsoft.ML.Transforms;

namespace MlOps.Explain.MLNet;

/// <summary>A fitted or loaded ML.NET model taken apart.</summary>
/// <param name="Preparation">What happens to the feature vector first, in order: missing values filled, features scaled.</param>
/// <param name="Model">The model parameters that score the prepared vector.</param>
/// <param name="Link">Binary: how the score becomes log-odds; null for regression.</param>
public sealed record ModelParts(IReadOnlyList<ITransformer> Preparation, object Model, LogOddsLink? Link)
{
    /// <param name="transformer">The model.</param>
    /// <param name="features">The column of the feature vector.</param>
    /// <exception cref="NotSupportedException">The model is made of parts that are not known here.</exception>
    public static ModelParts Of(ITransformer transformer, string features)
    {
        var steps = Flatten(transformer).ToList();
        var place = steps.FindIndex(step => step is ISingleFeaturePredictionTransformer<object> and not ISingleFeaturePredictionTransformer<ICalibrator>);
        if (place < 0)
        {
            throw new NotSupportedException($"There is no predictor in {string.Join(", ", steps.Select(step => step.GetType().Name))}.");
        }
        var predictor = (ISingleFeaturePredictionTransformer<object>)steps[place];
        if (predictor.FeatureColumnName != features)
        {
            throw new NotSupportedException($"It predicts from column '{predictor.FeatureColumnName}', which is made of the features in ways not known here.");
        }
        // Others may mix features, and then what a slot adds to a prediction says nothing about the feature of that place.
        if (steps.Take(place).FirstOrDefault(step => step is not (MissingValueReplacingTransformer or NormalizingTransformer)) is { } mixing)
        {
            throw new NotSupportedException($"{mixing.GetType().Name} comes before the predictor.");
        }
        var model = predictor.Model;
        var link = default(LogOddsLink);
        if (model is CalibratedModelParametersBase calibrated)
        {
            (model, link) = (calibrated.SubModel, LogOddsLink.Of(calibrated.Calibrator));
        }
        foreach (var step in steps.Skip(place + 1))
        {
            // Each makes a probability of the score anew: the last one counts.
            link = step is ISingleFeaturePredictionTransformer<ICalibrator> calibrator
                ? LogOddsLink.Of(calibrator.Model)
                : throw new NotSupportedException($"{step.GetType().Name} follows the predictor.");
        }
        return new ModelParts(steps[..place], model, link);
    }

    private static IEnumerable<ITransformer> Flatten(ITransformer transformer) =>
        transformer is IEnumerable<ITransformer> chain ? chain.SelectMany(Flatten) : [transformer];
}

/// <summary>Log-odds as a linear function of a model's score: <c>Slope · score + Offset</c>.</summary>
public sealed record LogOddsLink(double Slope, double Offset)
{
    /// <exception cref="NotSupportedException">The calibrator is not Platt's.</exception>
    public static LogOddsLink Of(ICalibrator calibrator) => calibrator is PlattCalibrator platt
        ? new LogOddsLink(-platt.Slope, -platt.Offset) // ML.NET's probability is 1 / (1 + exp(slope · score + offset)).
        : throw new NotSupportedException($"The log-odds of {calibrator.GetType().Name} are no linear function of the score.");
}
