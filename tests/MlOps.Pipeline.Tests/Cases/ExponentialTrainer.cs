using Microsoft.ML;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Tests.Cases;

/// <summary>A trainer that somebody adds, whose scores grow without bound beyond what it has seen.</summary>
internal sealed class ExponentialTrainer : ITrainer
{
    public string Name => "exponential";

    public IReadOnlyCollection<TaskKind> Tasks => [TaskKind.Regression];

    public IEstimator<ITransformer> Create(TrainerContext context) =>
        context.Ml.Regression.Trainers.LbfgsPoissonRegression(context.Label, context.Features);
}
