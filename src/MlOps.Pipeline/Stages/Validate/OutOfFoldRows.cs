using MlOps.Pipeline.Data;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Validate;

/// <summary>Rows with what the winner predicts of them.</summary>
internal sealed record PredictedTable(FeatureTable Table, double[] Predictions);

/// <summary>The training rows with their out-of-fold predictions, where the winner's model has such.</summary>
internal sealed class OutOfFoldRows(ArtifactStore artifacts, DatasetStore datasets, FeatureTableCache tables)
{
    /// <param name="winner">The winner, loaded.</param>
    /// <param name="files">Where it is stored.</param>
    /// <param name="train">The training rows; null: they are not known.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<(PredictedTable Rows, DatasetManifest Manifest)?> FindAsync(
        StoredModel winner, ModelFiles files, DatasetRef? train, CancellationToken cancel)
    {
        if (train is null || await files.FindAsync(artifacts, OutOfFold.File, cancel) is not { } stored)
        {
            return null;
        }
        var manifest = await datasets.GetAsync(train.Id, cancel);
        var table = await tables.GetAsync(manifest, winner.Featurizer, cancel);
        var predictions = OutOfFold.Read(stored);
        return predictions.Length == table.Rows * winner.Featurizer.Target.Outputs ? (new PredictedTable(table, predictions), manifest) : null;
    }
}
