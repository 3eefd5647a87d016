using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Features;

/// <summary>Both sides of a split.</summary>
internal sealed record RowSplit(RowSelection Train, RowSelection Validation)
{
    /// <summary>Applies the declared rules to a table; a time-ordered split looks for its cut there.</summary>
    public static RowSplit Of(SplitRules rules, DuckDbSession session, string fromSql)
    {
        double? cut = rules.Time is { } time
            ? session.Scalar($"SELECT quantile_disc({RowSelection.TimeSql(time)}, {Sql.Number(1 - rules.Validation)}) FROM {fromSql}") as double?
            : null;
        var train = new RowSelection(SplitSide.Train, rules.Validation, rules.Seed, rules.Group, rules.Time, cut);
        return new RowSplit(train, train with { Side = SplitSide.Validation });
    }
}
