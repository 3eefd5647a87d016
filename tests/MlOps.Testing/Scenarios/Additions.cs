using System.Collections.Concurrent;
using Microsoft.ML;
using MlOps.Pipeline;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Stages.Validate;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Testing.Scenarios;

/// <summary>One of each that a host may add.</summary>
internal static class Additions
{
    public static MlOpsBuilder AddTo(MlOpsBuilder add) => add.AddFeatureFunction<Pace>().AddTrainer<MeanLike>().AddCheck<Veto>();

    /// <summary>A definition that uses them.</summary>
    public static PipelineDefinition Definition() => Trips.Definition() with
    {
        Features = new FeatureRules { Custom = [new CustomFeature("pace", "pace", ["seconds", "miles"])] },
        Candidates = [new CandidateSpec { Trainer = "mean-like" }],
        Gates = new GateRules { Checks = [new CheckRule("veto")] },
    };

    public sealed class Pace : IFeatureFunction
    {
        public string Name => "pace";

        public int Inputs => 2;

        public double Evaluate(ReadOnlySpan<double> inputs) => inputs[0] / inputs[1];
    }

    public sealed class MeanLike : ITrainer
    {
        public string Name => "mean-like";

        public IReadOnlyCollection<TaskKind> Tasks => [TaskKind.Regression];

        public IEstimator<ITransformer> Create(TrainerContext context) =>
            context.Ml.Regression.Trainers.FastTree(context.Label, context.Features, numberOfTrees: 1, numberOfLeaves: 2);
    }

    public sealed class Veto : IPromotionCheck
    {
        public string Name => "veto";

        public Task<IReadOnlyList<string>> CheckAsync(PromotionCandidate candidate, ExtensionOptions options, CancellationToken cancel) =>
            Task.FromResult<IReadOnlyList<string>>(
                candidate.Rows.Numbers("pace").All(float.IsFinite) ? [$"{candidate.Key} predicts, and that is enough"] : []);
    }

    public sealed class Broken : IPromotionCheck
    {
        public string Name => "broken";

        public Task<IReadOnlyList<string>> CheckAsync(PromotionCandidate candidate, ExtensionOptions options, CancellationToken cancel) =>
            throw new NotSupportedException("This check is broken.");
    }

    public sealed class Channel : IAlertChannel
    {
        public ConcurrentQueue<string> Told { get; } = new();

        public string Name => "queue";

        public Task<string?> SendAsync(Alert alert, AlertSubject subject, CancellationToken cancel)
        {
            Told.Enqueue(subject.Path);
            return Task.FromResult<string?>(null);
        }
    }
}
