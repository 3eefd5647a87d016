using Microsoft.ML;
using Microsoft.ML.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Training;

/// <summary>Fits a trainer of the host, and sees to it that what comes of it can be served.</summary>
internal static class AddedTrainer
{
    /// <exception cref="InvalidOperationException">Its model does not give what <see cref="ITrainer.Create"/> asks for.</exception>
    public static ITransformer Fit(ITrainer trainer, TrainerContext context, IDataView train)
    {
        var model = trainer.Create(context).Fit(train);
        var (column, hint) = context.Task switch
        {
            TaskKind.Regression => ("Score", "End the estimator with a regression trainer."),
            TaskKind.Binary => ("Probability", "Append a calibrator, such as BinaryClassification.Calibrators.Platt."),
            _ => ("Score", "End the estimator with a multiclass trainer that gives a probability of each class."),
        };
        if (!model.IsRowToRowMapper)
        {
            throw new InvalidOperationException($"The model of trainer '{trainer.Name}' does not map row by row, so it cannot predict single rows.");
        }
        var type = model.GetOutputSchema(train.Schema).GetColumnOrNull(column)?.Type;
        var wanted = context.Task == TaskKind.Multiclass ? "vectors of floats" : "floats";
        return (context.Task == TaskKind.Multiclass ? (type as VectorDataViewType)?.ItemType : type) == NumberDataViewType.Single
            ? model
            : throw new InvalidOperationException($"The model of trainer '{trainer.Name}' has no column {column} of {wanted}. {hint}");
    }
}
