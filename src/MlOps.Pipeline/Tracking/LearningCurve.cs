namespace MlOps.Pipeline.Tracking;

/// <summary>
/// How good the winner would be with fewer of its trees, on rows that it learnt from and on rows that it did not: where the two part, more trees learn by
/// heart; where both still fall, more would help.
/// </summary>
/// <param name="Candidate">The winner.</param>
/// <param name="Metric">What is measured: the metric that decides.</param>
/// <param name="Trees">Numbers of trees, rising, the last is all of them; of several classes, trees a class.</param>
/// <param name="Training">The metric on training rows, for each number of trees; NaN where the rows do not say.</param>
/// <param name="Validation">The metric on validation rows.</param>
public sealed record LearningCurve(
    string Candidate, string Metric, IReadOnlyList<int> Trees, IReadOnlyList<double> Training, IReadOnlyList<double> Validation)
{
    /// <summary>Its name among the run's artifacts.</summary>
    public const string FileName = "learning-curve.json";

    /// <summary>Training rows that were looked at.</summary>
    public int TrainingRows { get; init; }

    /// <summary>Validation rows that were looked at.</summary>
    public int ValidationRows { get; init; }

    /// <summary>Why there is none, in a sentence; null where there is one.</summary>
    public string? None { get; init; }
}
