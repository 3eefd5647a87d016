using Microsoft.ML;
using Microsoft.ML.Trainers.FastTree;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Training;

namespace MlOps.Samples.Extensions;

/// <summary>A generalised additive model: one curve a feature, learned by boosting, and the prediction is their sum.</summary>
public sealed class AdditiveModel : ITrainer
{
    public string Name => "gam";

    public IReadOnlyCollection<TaskKind> Tasks => [TaskKind.Regression];

    public IReadOnlyCollection<string> Options => ["iterations", "rate"];

    public IEstimator<ITransformer> Create(TrainerContext context) => context.Ml.Regression.Trainers.Gam(new GamRegressionTrainer.Options
    {
        FeatureColumnName = context.Features,
        LabelColumnName = context.Label,
        NumberOfIterations = context.Options.Whole("iterations", min: 1) ?? 2000,
        LearningRate = context.Options.Number("rate") ?? 0.01,
        NumberOfThreads = context.Threads,
    });
}
