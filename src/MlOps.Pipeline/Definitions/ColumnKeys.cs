using MlOps.Drift;
using MlOps.Pipeline.Definitions.Shapes;
using static MlOps.Pipeline.Definitions.Shapes.Shape;

namespace MlOps.Pipeline.Definitions;

/// <summary>The keys of one column.</summary>
internal static class ColumnKeys
{
    public static ObjectShape<ImputeRule> Constant { get; } = Object(new ImputeRule(ImputeStrategy.Constant))
        .Key("constant", "The value that fills nulls.", Scalar(), rule => rule.Constant, (rule, value) => rule with { Constant = value });

    private static ObjectShape<DriftRule> Drift { get; } = Object(new DriftRule())
        .Key("test", "The drift test; left out: chosen from the data.", Choice(DefinitionNames.DriftTests),
            rule => rule.Test, (rule, value) => rule with { Test = value })
        .Key("threshold", "Where drift begins; left out: the test's own threshold.", Number(0),
            rule => rule.Threshold, (rule, value) => rule with { Threshold = value });

    public static ObjectShape<ColumnRule> Column { get; } = Object(new ColumnRule(), isBrief: true)
        .Key("ignore", "True: the column stays in the data but is neither checked nor used.", Flag(),
            rule => rule.Ignore, (rule, value) => rule with { Ignore = value })
        .Key("kind", "What the values are; left out: as sniffed from the data.", Choice(DefinitionNames.Kinds),
            rule => rule.Kind, (rule, value) => rule with { Kind = value })
        .Key("min", "Rows below are dropped.", Number(),
            rule => rule.Min, (rule, value) => rule with { Min = value })
        .Key("max", "Rows above are dropped.", Number(),
            rule => rule.Max, (rule, value) => rule with { Max = value })
        .Key("allowed", "Rows with any other value are dropped.", List(Scalar()),
            rule => rule.Allowed, (rule, value) => rule with { Allowed = value })
        .Key("required", "False: a null does not cost the row; the model sees a missing value.", Flag(),
            rule => rule.Required, (rule, value) => rule with { Required = value })
        .Key("impute", "Fills nulls instead of dropping the row; fitted on training rows only.", new ImputeShape(),
            rule => rule.Impute, (rule, value) => rule with { Impute = value })
        .Key("drift", "How drift of the column is judged.", Drift,
            rule => rule.Drift, (rule, value) => rule with { Drift = value })
        .Key("nulls", "Texts that mean \"no value\", beside a blank cell; left out: the usual ones of the column's kind.", List(Text()),
            rule => rule.Nulls, (rule, value) => rule with { Nulls = value })
        .Key("format", "How its numbers or dates are written; left out: found from the whole file.", Choice(DefinitionNames.Patterns),
            rule => rule.Format, (rule, value) => rule with { Format = value })
        .Key("assumed", "True: the format, or the kind where there is none, is a guess; each run tells of it. Take it out once it is checked.",
            Flag(), rule => rule.Assumed, (rule, value) => rule with { Assumed = value })
        .Key("decimal", "The decimal mark of its numbers; left out: found from the whole file.", Choice(DefinitionNames.DecimalMarks),
            rule => rule.Decimal, (rule, value) => rule with { Decimal = value });
}
