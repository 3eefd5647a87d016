using System.Collections;
using System.Reflection;
using Microsoft.ML.Calibrators;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;

namespace MlOps.Explain.MLNet;

/// <summary>How the classes' scores become probabilities.</summary>
public enum ClassOutput
{
    /// <summary>Exponentials of the scores, divided by their sum.</summary>
    Softmax,
    /// <summary>A probability of each class against all others, divided by their sum.</summary>
    Normalized,
}

/// <summary>A weighted sum.</summary>
public sealed record LinearScore(IReadOnlyList<float> Weights, float Bias);

/// <summary>What scores one class: trees or a weighted sum.</summary>
/// <param name="Trees">Null: it has none.</param>
/// <param name="Linear">Null: it is none.</param>
/// <param name="Link">How the score becomes the log-odds of the class against all others; null for <see cref="ClassOutput.Softmax"/>.</param>
public sealed record ClassModel(TreeEnsemble? Trees, LinearScore? Linear, LogOddsLink? Link);

/// <summary>A multiclass model of ML.NET taken apart, class by class in the order of the label's keys.</summary>
public static class ClassModels
{
    private const BindingFlags Inside = BindingFlags.Instance | BindingFlags.NonPublic;

    /// <param name="model">ML.NET's model parameters.</param>
    /// <returns>Null for a model of another kind.</returns>
    /// <exception cref="NotSupportedException">Its parts are not known here.</exception>
    public static IReadOnlyList<ClassModel>? Of(object model) => model switch
    {
        MaximumEntropyModelParameters linear => OfLinear(linear),
        OneVersusAllModelParameters classes => [.. PartsOf(classes).Select(part => OfPart(part, OutputOf(classes)))],
        _ => null,
    };

    /// <summary>How the scores of <see cref="Of"/> become probabilities.</summary>
    public static ClassOutput OutputOf(object model) => model is not OneVersusAllModelParameters classes
        ? ClassOutput.Softmax
        : (FieldOf(classes, "_impl").GetType().Name switch
        {
            "ImplSoftmax" => ClassOutput.Softmax,
            "ImplDist" => ClassOutput.Normalized,
            var other => throw Hidden(other),
        });

    private static ClassModel[] OfLinear(MaximumEntropyModelParameters model)
    {
        VBuffer<float>[]? weights = null;
        model.GetWeights(ref weights, out var classes);
        var biases = model.GetBiases().ToArray();
        return [.. Enumerable.Range(0, classes).Select(i => new ClassModel(null, new LinearScore([.. weights![i].DenseValues()], biases[i]), null))];
    }

    private static ClassModel OfPart(object part, ClassOutput output)
    {
        var link = default(LogOddsLink);
        if (part is CalibratedModelParametersBase calibrated)
        {
            (part, link) = (calibrated.SubModel, LogOddsLink.Of(calibrated.Calibrator));
        }
        return new ClassModel(
            TreeEnsembleReader.Read(part) ?? throw new NotSupportedException($"{part.GetType().Name} scores a class, and is neither trees nor linear."), null,
            output == ClassOutput.Softmax ? null : link ?? throw new NotSupportedException($"{part.GetType().Name} has no calibrated probability."));
    }

    /// <summary>What ML.NET keeps to itself: the models of the classes.</summary>
    private static IEnumerable<object> PartsOf(OneVersusAllModelParameters model) =>
        (typeof(OneVersusAllModelParameters).GetProperty("SubModelParameters", Inside)?.GetValue(model) as IEnumerable
            ?? throw Hidden("the models of its classes")).Cast<object>();

    private static object FieldOf(OneVersusAllModelParameters model, string name) =>
        typeof(OneVersusAllModelParameters).GetField(name, Inside)?.GetValue(model) ?? throw Hidden(name);

    private static NotSupportedException Hidden(string what) =>
        new($"This release of ML.NET ({typeof(OneVersusAllModelParameters).Assembly.GetName().Version}) hides {what}.");
}
