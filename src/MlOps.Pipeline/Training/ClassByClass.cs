using Microsoft.ML;
using Microsoft.ML.Calibrators;
using Microsoft.ML.Trainers;
using Microsoft.ML.Trainers.FastTree;
using MlOps.Pipeline.Features;
using FastTreeTransformer = Microsoft.ML.Data.BinaryPredictionTransformer<Microsoft.ML.Calibrators.CalibratedModelParametersBase<
    Microsoft.ML.Trainers.FastTree.FastTreeBinaryModelParameters, Microsoft.ML.Calibrators.PlattCalibrator>>;

namespace MlOps.Pipeline.Training;

/// <summary>
/// Lets ML.NET's one-versus-all stop each class's trees early: it hands over training rows only, marked by whether they are of one class, and here that class
/// gets its own watched rows as well.
/// </summary>
internal sealed class ClassByClass(FastTreeBinaryTrainer trainer, TrainingViews views)
    : ITrainerEstimator<FastTreeTransformer, CalibratedModelParametersBase<FastTreeBinaryModelParameters, PlattCalibrator>>
{
    private readonly Dictionary<int, FastTreeTransformer> fitted = [];

    public TrainerInfo Info => trainer.Info;

    /// <summary>ML.NET asks for the first class twice.</summary>
    public FastTreeTransformer Fit(IDataView input)
    {
        // Of a class without training rows nothing is learnt, and there is nothing to watch for.
        if (ClassOf(input) is not { } place)
        {
            return trainer.Fit(input);
        }
        if (!fitted.TryGetValue(place, out var model))
        {
            var (train, watched) = views.OfClass(place);
            fitted[place] = model = watched is null ? trainer.Fit(train) : trainer.Fit(train, watched);
        }
        return model;
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => trainer.GetOutputSchema(inputSchema);

    /// <summary>The class of the first row that is marked; null: none is.</summary>
    private int? ClassOf(IDataView input)
    {
        var (mark, label) = (input.Schema[FeatureView.Label], views.Train.Schema[FeatureView.Label]);
        using var marked = input.GetRowCursor([mark]);
        using var labelled = views.Train.GetRowCursor([label]);
        var isMarked = marked.GetGetter<bool>(mark);
        var key = labelled.GetGetter<uint>(label);
        while (marked.MoveNext() && labelled.MoveNext())
        {
            var found = false;
            isMarked(ref found);
            if (found)
            {
                var place = 0u;
                key(ref place);
                return (int)place - 1;
            }
        }
        return null;
    }
}
