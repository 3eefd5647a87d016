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
        var (column, hint) = context.Task == TaskKind.Regression
            ? ("Score", "End the estimator with a regression trainer.")
            : ("Probability", "Append a calibrator, such as BinaryClassification.Calibrators.Platt.");
        if (!model.IsRowToRowMapper)
        {
            throw new InvalidOperationException($"The model of trainer '{trainer.Name}' does not map row by row, so it cannot predict single rows.");
        }
        return model.GetOutputSchema(train.Schema).GetColumnOrNull(column)?.Type == NumberDataViewType.Single
            ? model
            : throw new InvalidOperationException($"The model of trainer '{trainer.Name}' has no column {column} of floats. {hint}");
    }
}
