namespace MlOps.Pipeline.Training;

/// <summary>A trained model, not yet registered.</summary>
/// <param name="Key">Its place in the definition and trainer, such as <c>0-lightgbm</c>.</param>
/// <param name="ModelBlobs">Blob prefix of its artifacts.</param>
/// <param name="Metrics">Its metrics on the validation rows, by plain name such as <c>rmse</c>.</param>
public sealed record TrainedCandidate(string Key, string ModelBlobs, IReadOnlyDictionary<string, double> Metrics);
