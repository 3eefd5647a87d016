using Microsoft.ML;
using Microsoft.ML.Calibrators;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Trainers.FastTree;
using Microsoft.ML.Trainers.LightGbm;
using Microsoft.ML.Transforms;
using MlOps.Explain.MLNet;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Training;

/// <summary>
/// Fits a candidate with ML.NET. Every trainer is set up so that the same rows and seed give the same model, whatever the number of threads.
/// </summary>
/// <param name="context">What is trained.</param>
/// <param name="added">A trainer of the host; null: the built-in one that the candidate names.</param>
internal sealed class Trainers(TrainerContext context, ITrainer? added = null)
{
    private const string Features = FeatureView.Features;
    private const string Label = FeatureView.Label;

    /// <summary>100 MB. Of a larger table the learning outweighs the passing on of rows.</summary>
    private const long MostCachedNumbers = 25_000_000;

    /// <summary>Of fewer numbers a thread more makes no tree sooner.</summary>
    private const int CellsOfThread = 250_000;

    /// <summary>
    /// The duality gap, as a share of the loss, at which coordinate ascent of a regression ends. At ML.NET's 0.01 two fits to nearly the same rows can be
    /// further apart than the noise of a target that is all but linear, so that the models of the folds tell nothing of the one that serves.
    /// </summary>
    private const float ConvergenceTolerance = 0.001f;

    private static readonly float[] StrongerRegularizations = [1e-4f, 1e-3f, 1e-2f, 1e-1f, 1f];

    private readonly MLContext ml = context.Ml;
    private readonly string? weight = context.Weight;
    private readonly CandidateSpec spec = context.Candidate;
    private readonly int seed = context.Seed;
    private readonly int threads = context.Threads;

    /// <summary>The unit in which a candidate's model predicts: SDCA needs a target near 1, the others one that single precision can hold.</summary>
    public static TargetScale? ScaleOf(CandidateSpec spec, FeatureTable train) => train.Featurizer.Target.Task == TaskKind.Regression
        ? TargetScale.Of(train.Labels, always: spec.Trainer == TrainerNames.Sdca)
        : null;

    /// <summary>A context for the columns of a <see cref="FeatureView"/>.</summary>
    /// <param name="ml">ML.NET, seeded.</param>
    /// <param name="featurizer">What the columns are.</param>
    /// <param name="rows">Rows to learn from: few are learnt from on fewer threads than there are.</param>
    /// <param name="seed">For what is drawn at random.</param>
    /// <param name="threads">Threads that there are.</param>
    /// <param name="spec">What is trained.</param>
    public static TrainerContext ContextOf(MLContext ml, Featurizer featurizer, int rows, int seed, int threads, CandidateSpec spec) =>
        new(ml, featurizer.Target.Task, seed, ThreadsFor(rows * (long)featurizer.Slots.Count, threads), Features, Label, spec)
        {
            Weight = featurizer.Weights is null ? null : FeatureView.Weight,
        };

    /// <summary>Threads of a trainer wait for each other at every split of a tree, which on a small table takes longer than the work that they share.</summary>
    private static int ThreadsFor(long cells, int threads) => (int)Math.Clamp(cells / CellsOfThread, 1, threads);

    /// <summary>Whether a candidate's boosting stops by rows that it does not learn from.</summary>
    public static bool StopsEarly(CandidateSpec spec) => spec.EarlyStopping > 0 && spec.Trainer is TrainerNames.LightGbm or TrainerNames.FastTree;

    /// <summary>The inner split, where boosting stops by it; else null.</summary>
    public static bool[]? WatchedOf(CandidateSpec spec, FeatureTable table) =>
        StopsEarly(spec) && table.Inner.Any(inner => inner) && table.Inner.Any(inner => !inner) ? table.Inner : null;

    /// <summary>Learns from all rows; boosting that stops early leaves the inner split out and watches it.</summary>
    /// <inheritdoc cref="Fit(FeatureTable, bool[], TargetScale)"/>
    public ITransformer Fit(FeatureTable table, TargetScale? scale = null) => Fit(table, WatchedOf(spec, table), scale);

    /// <param name="table">The training rows.</param>
    /// <param name="heldOut">Marks the rows that are not learnt from, which boosting watches where it stops early; null: all are learnt from.</param>
    /// <param name="scale">The unit in which the model is to predict; null: the target's own.</param>
    /// <exception cref="InputException">A native library of the trainer is missing on this machine, or no weights were found.</exception>
    public ITransformer Fit(FeatureTable table, bool[]? heldOut, TargetScale? scale)
    {
        OpenMp.Prepare();
        var views = new TrainingViews(
            table, Learnt(table, heldOut), heldOut is not null && StopsEarly(spec) ? Where(table, row => heldOut[row]) : null, scale);
        try
        {
            if (Preparation(table.Featurizer)?.Fit(views.Train) is not { } preparation)
            {
                return FitTrainer(views);
            }
            return new TransformerChain<ITransformer>(preparation, FitTrainer(views with { Prepare = view => Held(preparation.Transform(view), table) }));
        }
        catch (DllNotFoundException missing)
        {
            throw new InputException(
                $"The native library of {spec.Trainer} cannot be loaded on this machine. On Debian and Ubuntu: apt-get install libgomp1.", missing);
        }
    }

    private static int[]? Learnt(FeatureTable table, bool[]? heldOut) =>
        heldOut is null && table.Weights is null ? null : Where(table, row => heldOut is null || !heldOut[row]);

    /// <summary>Rows of no weight are left out: SDCA divides by weights, and trees count rows of a leaf.</summary>
    private static int[] Where(FeatureTable table, Func<int, bool> which) =>
        [.. Enumerable.Range(0, table.Rows).Where(row => which(row) && table.Weights?[row] is null or > 0)];

    /// <summary>
    /// LightGBM handles missing values itself; the others get the training mean, unless they say otherwise. SDCA needs features of like scale.
    /// </summary>
    private IEstimator<ITransformer>? Preparation(Featurizer featurizer)
    {
        IEstimator<ITransformer>? filling = featurizer.MayMiss && !(added?.TakesMissing ?? spec.Trainer == TrainerNames.LightGbm)
            ? ml.Transforms.ReplaceMissingValues(Features, replacementMode: MissingValueReplacingEstimator.ReplacementMode.Mean)
            : null;
        if (spec.Trainer != TrainerNames.Sdca)
        {
            return filling;
        }
        var scaling = ml.Transforms.NormalizeMeanVariance(Features);
        return filling is null ? scaling : filling.Append(scaling);
    }

    /// <summary>
    /// SDCA goes through the rows twice an epoch, in another order each time. Over prepared features ML.NET hands them from thread to thread in each pass,
    /// which on a small table costs more than learning; what is cached is gone through in place.
    /// </summary>
    private IDataView Held(IDataView prepared, FeatureTable table) =>
        spec.Trainer == TrainerNames.Sdca && table.Rows * (long)table.Featurizer.Slots.Count <= MostCachedNumbers ? ml.Data.Cache(prepared) : prepared;

    private ITransformer FitTrainer(TrainingViews views) => (added, context.Task) switch
    {
        ({ } other, _) => AddedTrainer.Fit(other, context, views.Train),
        (_, TaskKind.Multiclass) => FitClasses(views),
        _ => FitOne(views.Train, views.Watched),
    };

    /// <summary>LightGBM and SDCA learn all classes together (softmax); trees of ML.NET's own tell one class from all others.</summary>
    private ITransformer FitClasses(TrainingViews views)
    {
        var trainers = ml.MulticlassClassification.Trainers;
        return spec.Trainer switch
        {
            TrainerNames.LightGbm => Fit(trainers.LightGbm(LightGbm(new LightGbmMulticlassTrainer.Options())), views.Train, views.Watched),
            TrainerNames.FastTree => trainers.OneVersusAll(new ClassByClass(FastTreeOfTwo(views.Watched), views), Label).Fit(views.Train),
            TrainerNames.FastForest => trainers.OneVersusAll(ForestOfTwo(), Label).Fit(views.Train),
            TrainerNames.Sdca => FitSdca(views.Train),
            _ => throw NotBuiltIn(),
        };
    }

    private FastTreeBinaryTrainer FastTreeOfTwo(IDataView? watched) => ForcedCollections.Without(
        ml.BinaryClassification.Trainers.FastTree(
            Boosted(new FastTreeBinaryTrainer.Options { EarlyStoppingMetric = EarlyStoppingMetric.L2Norm }, watched)));

    private FastForestBinaryTrainer ForestOfTwo() =>
        ForcedCollections.Without(ml.BinaryClassification.Trainers.FastForest(Forest(new FastForestBinaryTrainer.Options())));

    private InvalidOperationException NotBuiltIn() => new($"'{spec.Trainer}' is no built-in trainer.");

    private ITransformer FitOne(IDataView train, IDataView? watched) => (spec.Trainer, context.Task) switch
    {
        (TrainerNames.LightGbm, TaskKind.Regression) => Fit(ml.Regression.Trainers.LightGbm(LightGbm(new LightGbmRegressionTrainer.Options())), train, watched),
        (TrainerNames.LightGbm, _) => Fit(ml.BinaryClassification.Trainers.LightGbm(LightGbm(new LightGbmBinaryTrainer.Options())), train, watched),
        (TrainerNames.FastTree, TaskKind.Regression) => Fit(
            ForcedCollections.Without(
                ml.Regression.Trainers.FastTree(Boosted(new FastTreeRegressionTrainer.Options { EarlyStoppingMetric = EarlyStoppingMetric.L2Norm }, watched))),
            train, watched),
        (TrainerNames.FastTree, _) => Fit(FastTreeOfTwo(watched), train, watched),
        (TrainerNames.FastForest, TaskKind.Regression) =>
            ForcedCollections.Without(ml.Regression.Trainers.FastForest(Forest(new FastForestRegressionTrainer.Options()))).Fit(train),
        (TrainerNames.FastForest, _) => Calibrated(ForestOfTwo(), train),
        (TrainerNames.Sdca, _) => FitSdca(train),
        _ => throw NotBuiltIn(),
    };

    /// <summary>Coordinate ascent may run away from a solution: then it is tried again, each time held back more.</summary>
    private ITransformer FitSdca(IDataView train)
    {
        var stronger = StrongerRegularizations.Where(value => value > (spec.L2 ?? 0)).Select(value => (float?)value);
        foreach (var regularization in stronger.Prepend((float?)spec.L2))
        {
            try
            {
                if (FitSdca(train, regularization) is var model && HasWeights(model) && !HasRunAway(model, train))
                {
                    return model;
                }
            }
            catch (Exception diverged) when (diverged is InvalidOperationException or ArgumentOutOfRangeException
                && (diverged.Message.Contains("NaN", StringComparison.Ordinal) || diverged.Message.Contains("non-finite", StringComparison.Ordinal)))
            {
                // ML.NET's own checks of the weights.
            }
        }
        throw new InputException(
            $"SDCA found no weights that predict its own rows, not even with an l2 of {StrongerRegularizations[^1]}: two features may say the same, or "
                + "one be far larger than the others. Leave the candidate out, or the feature.");
    }

    private ITransformer FitSdca(IDataView train, float? regularization) => context.Task switch
    {
        TaskKind.Regression => ml.Regression.Trainers.Sdca(new SdcaRegressionTrainer.Options
        {
            LabelColumnName = Label,
            FeatureColumnName = Features,
            ExampleWeightColumnName = weight,
            NumberOfThreads = 1,
            ConvergenceTolerance = ConvergenceTolerance,
            L2Regularization = regularization,
            MaximumNumberOfIterations = spec.Iterations,
        }).Fit(train),
        TaskKind.Binary => ml.BinaryClassification.Trainers.SdcaLogisticRegression(new SdcaLogisticRegressionBinaryTrainer.Options
        {
            LabelColumnName = Label,
            FeatureColumnName = Features,
            ExampleWeightColumnName = weight,
            NumberOfThreads = 1,
            L2Regularization = regularization,
            MaximumNumberOfIterations = spec.Iterations,
        }).Fit(train),
        _ => ml.MulticlassClassification.Trainers.SdcaMaximumEntropy(new SdcaMaximumEntropyMulticlassTrainer.Options
        {
            LabelColumnName = Label,
            FeatureColumnName = Features,
            ExampleWeightColumnName = weight,
            NumberOfThreads = 1,
            L2Regularization = regularization,
            MaximumNumberOfIterations = spec.Iterations,
        }).Fit(train),
    };

    private static bool HasWeights(ITransformer model)
    {
        var found = ModelParts.Of(model, Features).Model;
        return ClassModels.Of(found) is { } classes
            ? classes.All(one => one.Linear is null || (float.IsFinite(one.Linear.Bias) && one.Linear.Weights.All(float.IsFinite)))
            : found is not LinearModelParameters weights || (float.IsFinite(weights.Bias) && weights.Weights.All(float.IsFinite));
    }

    /// <summary>
    /// Weights may also run away and stay finite. Whoever predicts the very rows that it learnt from worse than their mean has not come near a solution:
    /// twice its squared error leaves room for one that was not waited for. Of classes this cannot happen: the slope of their loss is at most 1, which bounds
    /// what a row adds to a weight, whatever the other rows added.
    /// </summary>
    private bool HasRunAway(ITransformer model, IDataView train)
    {
        if (context.Task != TaskKind.Regression)
        {
            return false;
        }
        var scored = model.Transform(train);
        var (score, label) = (scored.Schema["Score"], scored.Schema[Label]);
        DataViewSchema.Column? weighing = weight is null ? null : scored.Schema[weight];
        using var rows = scored.GetRowCursor(weighing is { } read ? [score, label, read] : [score, label]);
        var (predictionOf, targetOf) = (rows.GetGetter<float>(score), rows.GetGetter<float>(label));
        var weightOf = weighing is { } column ? rows.GetGetter<float>(column) : null;
        var (all, sum, squares, errors) = (0.0, 0.0, 0.0, 0.0);
        var (prediction, target, counts) = (0f, 0f, 1f);
        while (rows.MoveNext())
        {
            predictionOf(ref prediction);
            targetOf(ref target);
            weightOf?.Invoke(ref counts);
            var error = (double)prediction - target;
            (all, errors) = (all + counts, errors + (counts * error * error));
            (sum, squares) = (sum + ((double)counts * target), squares + ((double)counts * target * target));
        }
        var spread = squares - (sum * sum / all);
        return !(errors <= 2 * spread) && spread > 0;
    }

    private static ITransformer Fit<TTransformer, TModel>(ITrainerEstimator<TTransformer, TModel> trainer, IDataView train, IDataView? watched)
        where TTransformer : ISingleFeaturePredictionTransformer<TModel>
        where TModel : class => (trainer, watched) switch
        {
            (_, null) => trainer.Fit(train),
            (LightGbmRegressionTrainer lightGbm, _) => lightGbm.Fit(train, watched),
            (LightGbmMulticlassTrainer lightGbm, _) => lightGbm.Fit(train, watched),
            (LightGbmBinaryTrainer lightGbm, _) => lightGbm.Fit(train, watched),
            (FastTreeRegressionTrainer fastTree, _) => fastTree.Fit(train, watched),
            (FastTreeBinaryTrainer fastTree, _) => fastTree.Fit(train, watched),
            _ => throw new ArgumentException($"{trainer.GetType().Name} does not stop early.", nameof(trainer)),
        };

    /// <summary>Forests vote; Platt's method turns votes into probabilities.</summary>
    private ITransformer Calibrated(FastForestBinaryTrainer trainer, IDataView train)
    {
        var forest = trainer.Fit(train);
        PlattCalibratorEstimator platt = ml.BinaryClassification.Calibrators.Platt(Label, exampleWeightColumnName: weight);
        return new TransformerChain<ITransformer>(forest, platt.Fit(forest.Transform(train)));
    }

    /// <summary>Row-wise histograms in deterministic mode: the same trees with one thread and with many, and the faster layout for tables of this
    /// shape.</summary>
    private TOptions LightGbm<TOptions>(TOptions options)
        where TOptions : TrainerInputBaseWithGroupId
    {
        options.LabelColumnName = Label;
        options.FeatureColumnName = Features;
        options.ExampleWeightColumnName = weight;
        switch (options)
        {
            case LightGbmRegressionTrainer.Options regression:
                (regression.NumberOfIterations, regression.NumberOfLeaves, regression.LearningRate) = (spec.Trees, spec.Leaves, spec.Rate);
                (regression.MinimumExampleCountPerLeaf, regression.EarlyStoppingRound, regression.UseCategoricalSplit) =
                    (spec.MinRowsPerLeaf, spec.EarlyStopping, false);
                (regression.Deterministic, regression.ForceRowWise, regression.Seed, regression.NumberOfThreads) = (true, true, seed, threads);
                break;
            case LightGbmMulticlassTrainer.Options classes:
                (classes.NumberOfIterations, classes.NumberOfLeaves, classes.LearningRate) = (spec.Trees, spec.Leaves, spec.Rate);
                (classes.MinimumExampleCountPerLeaf, classes.EarlyStoppingRound, classes.UseCategoricalSplit) =
                    (spec.MinRowsPerLeaf, spec.EarlyStopping, false);
                (classes.Deterministic, classes.ForceRowWise, classes.Seed, classes.NumberOfThreads) = (true, true, seed, threads);
                (classes.UseSoftmax, classes.EvaluationMetric) = (true, LightGbmMulticlassTrainer.Options.EvaluateMetricType.LogLoss);
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
        options.ExampleWeightColumnName = weight;
        options.NumberOfTrees = spec.Trees;
        options.NumberOfLeaves = spec.Leaves;
        options.MinimumExampleCountPerLeaf = spec.MinRowsPerLeaf;
        options.Seed = seed;
        options.NumberOfThreads = threads;
        return options;
    }
}
