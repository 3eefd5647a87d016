using MlOps.Pipeline.Definitions.Shapes;
using static MlOps.Pipeline.Definitions.Shapes.Shape;

namespace MlOps.Pipeline.Definitions;

/// <summary>The keys of what is expected of a table.</summary>
internal static class ExpectKeys
{
    private const string Gate = "Whether the version is not promoted then (block), or the run only tells it (warn); left out: warn.";

    private static ObjectShape<RowCountRule> Rows { get; } = Object(new RowCountRule())
        .Key("min", "Fewest rows, as a multiple of those of the earlier table, such as 0.5.", Number(0),
            rule => rule.Min, (rule, value) => rule with { Min = value })
        .Key("max", "Most rows, as a multiple of those of the earlier table, such as 2.", Number(0),
            rule => rule.Max, (rule, value) => rule with { Max = value })
        .Key("gate", Gate, Choice(DefinitionNames.Consequences), rule => rule.Gate, (rule, value) => rule with { Gate = value });

    private static ObjectShape<FreshnessRule> Fresh { get; } = Object(new FreshnessRule(default))
        .Key("within", "How long before the start of the run the newest value may lie.",
            Span(TimeSpan.FromTicks(1), TimeSpan.MaxValue, "a time span such as \"1.00:00:00\" (one day) or \"02:00:00\" (two hours)"),
            rule => rule.Within, (rule, value) => rule with { Within = value }).Required()
        .Key("gate", Gate, Choice(DefinitionNames.Consequences), rule => rule.Gate, (rule, value) => rule with { Gate = value });

    private static ObjectShape<UniqueRule> Unique { get; } = Object(new UniqueRule([]))
        .Key("columns", "One column, or several whose values together stand in one row only.", List(Text(), fewest: 1),
            rule => rule.Columns, (rule, value) => rule with { Columns = value }).Required()
        .Key("gate", Gate, Choice(DefinitionNames.Consequences), rule => rule.Gate, (rule, value) => rule with { Gate = value });

    private static ObjectShape<RangeRule> Range { get; } = Object(new RangeRule())
        .Key("min", "The least number that the column should have.", Number(), rule => rule.Min, (rule, value) => rule with { Min = value })
        .Key("max", "The largest number that the column should have.", Number(), rule => rule.Max, (rule, value) => rule with { Max = value })
        .Key("gate", Gate, Choice(DefinitionNames.Consequences), rule => rule.Gate, (rule, value) => rule with { Gate = value });

    // Every key is left out where nothing is expected: ids of cleaned tables are hashes of what is written here.
    public static ObjectShape<ExpectRules> Expect { get; } = Object(new ExpectRules())
        .Key("rows", "How many rows there are beside the table of the version in production, or else of the newest one; left out: any number.", Rows,
            rules => rules.Rows, (rules, value) => rules with { Rows = value })
        .Key("sameColumns", "What follows where that table's columns are gone or of another type, or others are new; left out: nothing.",
            Choice(DefinitionNames.Consequences), rules => rules.SameColumns, (rules, value) => rules with { SameColumns = value })
        .Key("fresh", "Columns of times whose newest value is not old; left out: none.", Map(Fresh),
            rules => rules.Fresh.Count == 0 ? null : rules.Fresh, (rules, value) => rules with { Fresh = value })
        .Key("unique", "Columns whose values stand in one row only; left out: none.", List(Unique),
            rules => rules.Unique.Count == 0 ? null : rules.Unique, (rules, value) => rules with { Unique = value })
        .Key("ranges", "Columns whose numbers lie between two ends; left out: none.", Map(Range),
            rules => rules.Ranges.Count == 0 ? null : rules.Ranges, (rules, value) => rules with { Ranges = value });
}
