namespace MlOps.Pipeline.Training;

/// <summary>A trained model, not yet registered.</summary>
/// <param name="Key">Its place in the definition and trainer, such as <c>0-lightgbm</c>.</param>
/// <param name="ModelBlobs">Blob prefix of its artifacts.</param>
/// <param name="Metrics">Its metrics on the validation rows, by plain name such as <c>rmse</c>; <c>oof_rmse</c> and so on is out of fold.</param>
public sealed record TrainedCandidate(string Key, string ModelBlobs, IReadOnlyDictionary<string, double> Metrics)
{
    /// <summary>Before the name of a metric: measured on the training rows, each predicted by a model that did not learn from it.</summary>
    public const string OutOfFold = "oof_";

    /// <summary>Among the metrics: how long training took.</summary>
    public const string Seconds = "train_seconds";

    /// <summary>Among the metrics: with how many trees a model was fitted once more on all training rows.</summary>
    public const string TreesKept = "trees_kept";

    /// <summary>Among the metrics: the slope of the log-odds where probabilities are calibrated; below 1 the model was too sure of itself.</summary>
    public const string PlattSlope = "platt_slope";
}
