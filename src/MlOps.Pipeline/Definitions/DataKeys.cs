using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions.Shapes;
using static MlOps.Pipeline.Definitions.Shapes.Shape;

namespace MlOps.Pipeline.Definitions;

/// <summary>The keys of what is done to rows before training.</summary>
internal static class DataKeys
{
    public static ObjectShape<CleaningRules> Cleaning { get; } = Object(new CleaningRules())
        .Key("maxDropped", "Largest share of rows that cleaning may drop; more stops the run.", Number(0, 1),
            rules => rules.MaxDropped, (rules, value) => rules with { MaxDropped = value })
        .Key("duplicates", "What becomes of rows that equal an earlier one; left out: kept where rows have no id, else dropped.",
            Choice(DefinitionNames.DuplicateRules),
            rules => rules.Duplicates, (rules, value) => rules with { Duplicates = value }).Later();

    private static ObjectShape<CustomFeature> Custom { get; } = Object(new CustomFeature("", "", []))
        .Key("name", "The computed column's name.", Text(shortest: 1),
            feature => feature.Name, (feature, value) => feature with { Name = value }).Required()
        .Key("function", "Name of a feature function of the host.", Text(pattern: ExtensionNames.Pattern),
            feature => feature.Function, (feature, value) => feature with { Function = value }).Required()
        .Key("inputs", "Numeric, boolean or datetime columns, in the function's order.", List(Text(), fewest: 1),
            feature => feature.Inputs, (feature, value) => feature with { Inputs = value }).Required();

    public static ObjectShape<FeatureRules> Features { get; } = Object(new FeatureRules())
        .Key("interactions", "Products of two numeric columns, named a_x_b.", List(Pair()),
            rules => rules.Interactions, (rules, value) => rules with { Interactions = value })
        .Key("ratios", "Quotients of two numeric columns, named a_per_b; missing where b is 0.", List(Pair()),
            rules => rules.Ratios, (rules, value) => rules with { Ratios = value })
        .Key("logs", "Numeric columns whose natural logarithm of 1 + value is added, named log_a; missing at and below -1.", List(Text()),
            rules => rules.Logs, (rules, value) => rules with { Logs = value })
        .Key("dateParts", "Datetime columns of which year, month, day, day of week (0 is Sunday) and hour are added, named a_year and so on.", List(Text()),
            rules => rules.DateParts, (rules, value) => rules with { DateParts = value })
        // Left out where there are none: ids of cleaned tables are hashes of what is written here.
        .Key("custom", "Columns that feature functions of the host compute; left out: none.", List(Custom),
            rules => rules.Custom.Count == 0 ? null : rules.Custom, (rules, value) => rules with { Custom = value })
        .Key("required", "Names of computed columns that must not be skipped when an input column is missing.", List(Text()),
            rules => rules.Required, (rules, value) => rules with { Required = value })
        .Key("maxCategories", "Most categories of a column that get a slot of their own, the most frequent ones; the rest are \"other\".", Whole(1, 10_000),
            rules => rules.MaxCategories, (rules, value) => rules with { MaxCategories = value });

    public static ObjectShape<SplitRules> Split { get; } = Object(new SplitRules())
        .Key("validation", "Share of validation rows.", Number(0, 1, openMin: true, openMax: true),
            rules => rules.Validation, (rules, value) => rules with { Validation = value })
        .Key("test",
            "Share of test rows, which choose nothing: the winner is measured on them at the end. 0: none; left out: 0.1 from train.foldsBelow rows on.",
            Number(0, 1, openMax: true), rules => rules.Test, (rules, value) => rules with { Test = value })
        .Key("seed", "Another seed divides the rows another way.", Whole(0, long.MaxValue),
            rules => rules.Seed, (rules, value) => rules with { Seed = value })
        .Key("time", "Column of time: the latest rows validate; with a test share, those before the latest. Not together with group.", Text(),
            rules => rules.Time, (rules, value) => rules with { Time = value })
        .Key("group", "Column whose rows of the same value fall on the same side. Not together with time.", Text(),
            rules => rules.Group, (rules, value) => rules with { Group = value })
        .Key("key", "Columns whose values decide the side that a row falls on; left out: those that the model, and the one in production, have to do with.",
            List(Text()), rules => rules.Key.Count == 0 ? null : rules.Key, (rules, value) => rules with { Key = value });
}
