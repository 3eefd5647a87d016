using Microsoft.ML;
using Microsoft.ML.Calibrators;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Trainers.FastTree;
using Microsoft.ML.Trainers.LightGbm;
using Microsoft.ML.Transforms;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Training;

/// <summary>
/// Fits a candidate with ML.NET. Every trainer is set up so that the same rows and seed give the same model, whatever the number of threads.
/// </summary>
internal sealed class Trainers(MLContext ml, CandidateSpec spec, TaskKind task, int seed, int threads)
{
    private const string Features = FeatureView.Features;
    private const string Label = FeatureView.Label;

    /// <exception cref="InputException">A native library of the trainer is missing on this machine.</exception>
    public ITransformer Fit(FeatureTable table)
    {
        OpenMp.Prepare();
        var stopsEarly = spec.EarlyStopping > 0 && spec.Trainer is TrainerKind.LightGbm or TrainerKind.FastTree && table.Inner.Any(inner => inner)
            && table.Inner.Any(inner => !inner);
        var train = new FeatureView(table, stopsEarly ? false : null);
        var watched = stopsEarly ? new FeatureView(table, inner: true) : null;
        try
        {
            if (Preparation(table.Featurizer)?.Fit(train) is not { } preparation)
            {
                return FitTrainer(train, watched);
            }
            return new TransformerChain<ITransformer>(
                preparation, FitTrainer(preparation.Transform(train), watched is null ? null : preparation.Transform(watched)));
        }
        catch (DllNotFoundException missing)
        {
            throw new InputException(
                $"The native library of {spec.Trainer} cannot be loaded ({missing.Message}). On Debian and Ubuntu: apt-get install libgomp1.", missing);
        }
    }

    /// <summary>LightGBM handles missing values itself; the others get the training mean. SDCA needs features of like scale.</summary>
    private IEstimator<ITransformer>? Preparation(Featurizer featurizer)
    {
        IEstimator<ITransformer>? filling = featurizer.MayMiss && spec.Trainer != TrainerKind.LightGbm
            ? ml.Transforms.ReplaceMissingValues(Features, replacementMode: MissingValueReplacingEstimator.ReplacementMode.Mean)
            : null;
        if (spec.Trainer != TrainerKind.Sdca)
        {
            return filling;
        }
        var scaling = ml.Transforms.NormalizeMeanVariance(Features);
        return filling is null ? scaling : filling.Append(scaling);
    }

    private ITransformer FitTrainer(IDataView train, IDataView? watched) => (spec.Trainer, task) switch
    {
        (TrainerKind.LightGbm, TaskKind.Regression) => Fit(ml.Regression.Trainers.LightGbm(LightGbm(new LightGbmRegressionTrainer.Options())), train, watched),
        (TrainerKind.LightGbm, _) => Fit(ml.BinaryClassification.Trainers.LightGbm(LightGbm(new LightGbmBinaryTrainer.Options())), train, watched),
        (TrainerKind.FastTree, TaskKind.Regression) =>
            Fit(
                ml.Regression.Trainers.FastTree(Boosted(new FastTreeRegressionTrainer.Options { EarlyStoppingMetric = EarlyStoppingMetric.L2Norm }, watched)),
                train, watched),
        (TrainerKind.FastTree, _) =>
            Fit(
                ml.BinaryClassification.Trainers.FastTree(
                    Boosted(new FastTreeBinaryTrainer.Options { EarlyStoppingMetric = EarlyStoppingMetric.L1Norm }, watched)),
                train, watched),
        (TrainerKind.FastForest, TaskKind.Regression) => ml.Regression.Trainers.FastForest(Forest(new FastForestRegressionTrainer.Options())).Fit(train),
        (TrainerKind.FastForest, _) => Calibrated(ml.BinaryClassification.Trainers.FastForest(Forest(new FastForestBinaryTrainer.Options())), train),
        (TrainerKind.Sdca, TaskKind.Regression) => ml.Regression.Trainers.Sdca(new SdcaRegressionTrainer.Options
        {
            LabelColumnName = Label,
            FeatureColumnName = Features,
            NumberOfThreads = 1,
            L2Regularization = (float?)spec.L2,
            MaximumNumberOfIterations = spec.Iterations,
        }).Fit(train),
        _ => ml.BinaryClassification.Trainers.SdcaLogisticRegression(new SdcaLogisticRegressionBinaryTrainer.Options
        {
            LabelColumnName = Label,
            FeatureColumnName = Features,
            NumberOfThreads = 1,
            L2Regularization = (float?)spec.L2,
            MaximumNumberOfIterations = spec.Iterations,
        }).Fit(train),
    };

    private static ITransformer Fit<TTransformer, TModel>(ITrainerEstimator<TTransformer, TModel> trainer, IDataView train, IDataView? watched)
        where TTransformer : ISingleFeaturePredictionTransformer<TModel>
        where TModel : class => (trainer, watched) switch
        {
            (_, null) => trainer.Fit(train),
            (LightGbmRegressionTrainer lightGbm, _) => lightGbm.Fit(train, watched),
            (LightGbmBinaryTrainer lightGbm, _) => lightGbm.Fit(train, watched),
            (FastTreeRegressionTrainer fastTree, _) => fastTree.Fit(train, watched),
            (FastTreeBinaryTrainer fastTree, _) => fastTree.Fit(train, watched),
            _ => throw new ArgumentException($"{trainer.GetType().Name} does not stop early.", nameof(trainer)),
        };

    /// <summary>Forests vote; Platt's method turns votes into probabilities.</summary>
    private ITransformer Calibrated(FastForestBinaryTrainer trainer, IDataView train)
    {
        var forest = trainer.Fit(train);
        PlattCalibratorEstimator platt = ml.BinaryClassification.Calibrators.Platt(Label);
        return new TransformerChain<ITransformer>(forest, platt.Fit(forest.Transform(train)));
    }

    /// <summary>Row-wise histograms in deterministic mode: the same trees with one thread and with many, and the faster layout for tables of this
    /// shape.</summary>
    private TOptions LightGbm<TOptions>(TOptions options)
        where TOptions : TrainerInputBaseWithGroupId
    {
        options.LabelColumnName = Label;
        options.FeatureColumnName = Features;
        switch (options)
        {
            case LightGbmRegressionTrainer.Options regression:
                (regression.NumberOfIterations, regression.NumberOfLeaves, regression.LearningRate) = (spec.Trees, spec.Leaves, spec.Rate);
                (regression.MinimumExampleCountPerLeaf, regression.EarlyStoppingRound, regression.UseCategoricalSplit) =
                    (spec.MinRowsPerLeaf, spec.EarlyStopping, false);
                (regression.Deterministic, regression.ForceRowWise, regression.Seed, regression.NumberOfThreads) = (true, true, seed, threads);
                break;
            case LightGbmBinaryTrainer.Options binary:
                (binary.NumberOfIterations, binary.NumberOfLeaves, binary.LearningRate) = (spec.Trees, spec.Leaves, spec.Rate);
                (binary.MinimumExampleCountPerLeaf, binary.EarlyStoppingRound, binary.UseCategoricalSplit) = (spec.MinRowsPerLeaf, spec.EarlyStopping, false);
                (binary.Deterministic, binary.ForceRowWise, binary.Seed, binary.NumberOfThreads) = (true, true, seed, threads);
                break;
            default:
                throw new ArgumentException($"{typeof(TOptions).Name} are no options of LightGBM.", nameof(options));
        }
        return options;
    }

    private TOptions Boosted<TOptions>(TOptions options, IDataView? watched)
        where TOptions : BoostedTreeOptions
    {
        options.LearningRate = spec.Rate;
        if (watched is not null)
        {
            options.EarlyStoppingRule = new ConsecutiveGeneralityLossRule(spec.EarlyStopping);
        }
        return Forest(options);
    }

    private TOptions Forest<TOptions>(TOptions options)
        where TOptions : TreeOptions
    {
        options.LabelColumnName = Label;
        options.FeatureColumnName = Features;
        options.NumberOfTrees = spec.Trees;
        options.NumberOfLeaves = spec.Leaves;
        options.MinimumExampleCountPerLeaf = spec.MinRowsPerLeaf;
        options.Seed = seed;
        options.NumberOfThreads = threads;
        return options;
    }
}
