using Microsoft.ML;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Models;

namespace MlOps.Pipeline;

/// <summary>
/// Loads the native libraries and compiles the hot paths once, on rows it makes up. A host runs it while it waits for storage to start, so
/// that the first run and the first prediction do not pay for it.
/// </summary>
public sealed class WarmUp(DuckDb duckDb, PipelineOptions options)
{
    private const int Rows = 2_000;

    /// <summary>Never throws: what is wrong with the machine is told by the stage that needs it.</summary>
    public void Run(CancellationToken cancel)
    {
        try
        {
            using (var session = duckDb.Open(cancel))
            {
                session.Count($"SELECT count(*) FROM (SELECT row_hash(range::DOUBLE, range::VARCHAR) FROM range({Rows}))");
            }
            var table = FeatureTable.MadeUp(Rows);
            var ml = new MLContext(0);
            var model = new Trainers(ml, new CandidateSpec { Trainer = TrainerKind.LightGbm, Trees = 2, EarlyStopping = 0 }, TaskKind.Regression, seed: 0, options.Threads).Fit(table);
            Evaluation.Measure(ml, model, table, options.Threads);
            using var zip = StoredModel.Contents(ml, model, table.Featurizer)[StoredModel.ModelFile].ToStream();
            Evaluation.Measure(ml, ml.Model.Load(zip, out _), table, options.Threads);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
        }
#pragma warning disable CA1031 // Only an optimisation: the stages report the same fault to the person whose run it stops.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}
