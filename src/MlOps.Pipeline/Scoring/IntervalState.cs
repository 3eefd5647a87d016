using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Scoring;

/// <summary>The rows whose predictions tell how far a model is off.</summary>
public enum IntervalRows
{
    /// <summary>Training rows, each predicted by a model that did not learn from it.</summary>
    OutOfFold,
    /// <summary>Validation rows, which chose the model among its candidates.</summary>
    Validation,
    /// <summary>Test rows, which nothing was chosen by.</summary>
    Test,
}

/// <summary>How many rows intervals hold, and how wide they are.</summary>
/// <param name="Coverage">Share of rows whose truth is within.</param>
/// <param name="Size">Mean width; for classes, mean number of labels.</param>
public sealed record IntervalMeasure(double Coverage, double Size);

/// <summary>What intervals and sets of predictions need besides the model: <c>intervals.json</c> beside it.</summary>
/// <param name="Rows">Where the scores are from.</param>
/// <param name="Scores">
/// Regression: |truth − prediction|, divided by the spread where there is one. Classes: 1 − the probability of the true one; of two classes each by
/// itself, the positive one first, of more all together.
/// </param>
/// <param name="LeastSpread">The smallest spread; null: every interval of a level is as wide as another.</param>
/// <param name="SpreadScale">The unit in which the spread's model predicts; null: the target's own.</param>
public sealed record IntervalState(
    IntervalRows Rows, IReadOnlyList<ConformalScores> Scores, double? LeastSpread = null, TargetScale? SpreadScale = null) : IStored
{
    public const string File = "intervals.json";

    /// <summary>The model of the spread, where there is one.</summary>
    public const string SpreadFile = "spread.zip";

    /// <summary>The level that intervals are measured at.</summary>
    public const double UsualLevel = 0.9;

    public static int CurrentFormat => 1;

    public static string StoredAs => "intervals";

    public int Format { get; init; } = CurrentFormat;

    /// <summary>How those of 0.9 hold on the rows that they are made of, each half by what the other says; null: the rows are too few.</summary>
    public IntervalMeasure? Own { get; init; }

    /// <summary>Whether a level can be told of all classes.</summary>
    public bool Reaches(double level) => Scores.All(scores => scores.At(level) is not null);

    /// <summary>How far the truth is from a prediction at most.</summary>
    /// <param name="level">With which probability.</param>
    /// <param name="spread">What the spread's model predicts of the row; whatever where there is none.</param>
    /// <exception cref="InputException">The rows are too few for the level.</exception>
    public double Reach(double level, double spread) => Required(Scores[0], level) * SpreadOf(spread);

    /// <summary>The spread of a row: what the model says, but never nothing.</summary>
    public double SpreadOf(double predicted) => LeastSpread is { } least ? Math.Max(least, double.IsFinite(predicted) ? predicted : least) : 1;

    /// <summary>The classes that a row may be of. The most probable one is always among them.</summary>
    /// <param name="level">With which probability the true one is among them: of two classes for rows of each, of more for all rows together.</param>
    /// <param name="classes">The classes.</param>
    /// <param name="probabilities">That of each class.</param>
    /// <exception cref="InputException">The rows, or those of a class, are too few for the level.</exception>
    public IReadOnlyList<string> Set(double level, IReadOnlyList<string> classes, ReadOnlySpan<double> probabilities)
    {
        var most = ClassProbabilities.MostProbable(probabilities);
        var labels = new List<string>();
        for (var i = 0; i < probabilities.Length; i++)
        {
            if (1 - probabilities[i] <= Required(Scores.Count == 1 ? Scores[0] : Scores[i], level) || i == most)
            {
                labels.Add(classes[i]);
            }
        }
        return labels;
    }

    private static double Required(ConformalScores scores, double level) => scores.At(level) ?? throw new InputException(string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"This version was measured on {scores.Count:N0} rows{(scores.Label is { } label ? $" of '{label}'" : "")}, too few for an interval of {level}, which "
            + $"needs {ConformalScores.FewestFor(level):N0}. Ask for a lower level, or train on more rows."));
}
