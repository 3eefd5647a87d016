using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions.Shapes;
using static MlOps.Pipeline.Definitions.Shapes.Shape;

namespace MlOps.Pipeline.Definitions;

/// <summary>The keys of one trainer.</summary>
internal static class CandidateKeys
{
    public static ObjectShape<TrainRules> Train { get; } = Object(new TrainRules())
        .Key("folds",
            "Parts of the training rows of which each is held out once: they choose the winner and the number of trees. 0: none, the validation rows choose.",
            Whole(0, 20), rules => rules.Folds, (rules, value) => rules with { Folds = value })
        .Key("foldsBelow", "Number of training rows from which there are no folds.", Whole(0, int.MaxValue),
            rules => rules.FoldsBelow, (rules, value) => rules with { FoldsBelow = value })
        .Key("sample",
            "Below 1 the share of the training rows that candidates are trained on, from 100 about how many of them: a uniform sample; left out: all rows.",
            Number(0, openMin: true), rules => rules.Sample, (rules, value) => rules with { Sample = value }).Later();

    public static ObjectShape<CandidateSpec> Candidate { get; } = Object(new CandidateSpec { Trainer = TrainerNames.LightGbm })
        .Key("trainer", "The algorithm, or a trainer of the host.", Text(pattern: ExtensionNames.Pattern, examples: TrainerNames.BuiltIn),
            spec => spec.Trainer, (spec, value) => spec with { Trainer = value }).Required()
        .Key("trees", "Number of trees (boosting rounds).", Whole(1, 100_000),
            spec => spec.Trees, (spec, value) => spec with { Trees = value })
        .Key("leaves", "Most leaves of a tree.", Whole(2, 100_000),
            spec => spec.Leaves, (spec, value) => spec with { Leaves = value })
        .Key("rate", "Learning rate of boosted trees.", Number(0, 1, openMin: true),
            spec => spec.Rate, (spec, value) => spec with { Rate = value })
        .Key("minRowsPerLeaf", "Fewest training rows in a leaf.", Whole(1, int.MaxValue),
            spec => spec.MinRowsPerLeaf, (spec, value) => spec with { MinRowsPerLeaf = value })
        .Key("earlyStopping", "Boosting stops after this many rounds without improvement on rows held out of train; 0 turns it off.", Whole(0, 100_000),
            spec => spec.EarlyStopping, (spec, value) => spec with { EarlyStopping = value })
        .Key("l2", "L2 regularisation of linear models; left out: the trainer's own choice.", Number(0),
            spec => spec.L2, (spec, value) => spec with { L2 = value })
        .Key("iterations", "Most passes over the data of linear models; left out: the trainer's own choice.", Whole(1, 100_000),
            spec => spec.Iterations, (spec, value) => spec with { Iterations = value })
        .Key("maxMinutes",
            "Most minutes of training: fewer trees when the declared ones would take longer. Not for linear models, nor for trainers of the host.",
            Number(0, 100_000, openMin: true),
            spec => spec.MaxMinutes, (spec, value) => spec with { MaxMinutes = value })
        .Key("maxClasses", "FastTree and FastForest learn one model a class: with more classes the candidate is left out; left out itself: 20.",
            Whole(3, 10_000),
            spec => spec.MaxClasses, (spec, value) => spec with { MaxClasses = value }).Later()
        .Key("options", "What a trainer of the host is told.", new OptionsShape(),
            spec => spec.Options, (spec, value) => spec with { Options = value });
}
