using MlOps.Pipeline.Definitions.Shapes;
using static MlOps.Pipeline.Definitions.Shapes.Shape;

namespace MlOps.Pipeline.Definitions;

/// <summary>The keys of a definition. Reading, writing and the JSON Schema all come from these tables; defaults come from the records.</summary>
internal static class DefinitionKeys
{
    public static ObjectShape<PipelineDefinition> Definition { get; } = Object(new PipelineDefinition { Model = "", Target = "" })
        .Key("model", $"The model's name: {ModelName.Rule}.", Text(pattern: ModelName.SchemaPattern),
            definition => definition.Model, (definition, value) => definition with { Model = value }).Required()
        .Key("target", "The column to predict.", Text(shortest: 1),
            definition => definition.Target, (definition, value) => definition with { Target = value }).Required()
        .Key("task", "What is learned; left out: binary when the target has two values, multiclass when it has more and is no number, else regression.",
            Choice(DefinitionNames.Tasks),
            definition => definition.Task, (definition, value) => definition with { Task = value })
        .Key("maxClasses", "Most classes of a multiclass target; left out: 200.", Whole(3, 10_000),
            definition => definition.MaxClasses, (definition, value) => definition with { MaxClasses = value }).Later()
        .Key("positive", "Binary: the target value that counts as positive; left out: the later of the two in sort order.", Scalar(),
            definition => definition.Positive, (definition, value) => definition with { Positive = value })
        .Key("threshold",
            "Binary: the probability from which a row is predicted positive, or the metric that is to be largest by it (f1, accuracy), out of fold where there "
                + "are folds, else on the validation rows.",
            new ThresholdShape(), definition => new ThresholdRule(definition.Threshold, definition.ThresholdMetric),
            (definition, value) => definition with { Threshold = value.At, ThresholdMetric = value.Metric })
        .Key("weights",
            "How much each row counts in learning: \"balanced\" (of classes: each class the same in all), or the numeric column that says so; left out: "
                + "each row the same.", Text(shortest: 1),
            definition => definition.Weights, (definition, value) => definition with { Weights = value }).Later()
        .Key("owner", "Who answers for the model; shown on its card.", Text(),
            definition => definition.Owner, (definition, value) => definition with { Owner = value })
        .Key("intendedUse", "What the model is for; shown on its card.", Text(),
            definition => definition.IntendedUse, (definition, value) => definition with { IntendedUse = value })
        .Key("limits", "Where the model must not be relied on; shown on its card.", Text(),
            definition => definition.Limits, (definition, value) => definition with { Limits = value })
        .Key("header", "Whether the file's first line names the columns; left out: found from the file.", Flag(),
            definition => definition.Header, (definition, value) => definition with { Header = value }).Later()
        .Key("columns", "What is declared about columns, by name; the others are as sniffed from the data.", Map(new ColumnShape()),
            definition => definition.Columns, (definition, value) => definition with { Columns = value })
        // Left out where nothing is expected: ids of cleaned tables are hashes of what is written here.
        .Key("expect", "What is expected of a table before anything is made of it; left out: nothing.", ExpectKeys.Expect,
            definition => definition.Expect.IsEmpty ? null : definition.Expect, (definition, value) => definition with { Expect = value })
        .Key("cleaning", "How much cleaning may drop.", DataKeys.Cleaning,
            definition => definition.Cleaning, (definition, value) => definition with { Cleaning = value })
        .Key("features", "Computed columns.", DataKeys.Features,
            definition => definition.Features, (definition, value) => definition with { Features = value })
        .Key("split", "How rows are divided into train and validation.", DataKeys.Split,
            definition => definition.Split, (definition, value) => definition with { Split = value })
        .Key("train", "How candidates are trained.", CandidateKeys.Train,
            definition => definition.Train, (definition, value) => definition with { Train = value }).Later()
        .Key("candidates", "The trainers, side by side; the best one goes on.", List(CandidateKeys.Candidate, 1, PipelineDefinition.MostCandidates),
            definition => definition.Candidates, (definition, value) => definition with { Candidates = value })
        .Key("gates", "What must hold before promotion.", PromotionKeys.Gates,
            definition => definition.Gates, (definition, value) => definition with { Gates = value })
        .Key("slices", "Columns by whose groups of rows the winner is measured, such as [\"sex\", \"region\"]; left out: none.", List(Text(shortest: 1)),
            definition => definition.Slices.Count == 0 ? null : definition.Slices, (definition, value) => definition with { Slices = value })
        .Key("data", "The dataset version that runs read for which nobody names a file: a tag, \"v3\" (raw rows of model version 3), or an id; left out: the "
                + "newest file in raw/{model}/.", Text(shortest: 1),
            definition => definition.Data, (definition, value) => definition with { Data = value }).Later()
        .Key("runOn", "What starts a run by itself, and what it does beside others.", OperationKeys.Triggers,
            definition => definition.RunOn, (definition, value) => definition with { RunOn = value })
        .Key("monitor", "What is watched of a model that serves.", OperationKeys.Monitor,
            definition => definition.Monitor, (definition, value) => definition with { Monitor = value }).Later()
        .Key("traffic", "How a new version is let at the requests, and what is decided by itself between versions that share them; left out: a "
                + "new version goes into production at once, and nothing is decided by itself.", OperationKeys.Traffic,
            definition => definition.Traffic.IsUsual ? null : definition.Traffic, (definition, value) => definition with { Traffic = value }).Later()
        .Ignored("$schema", "Where an editor finds this schema.", Text());
}
