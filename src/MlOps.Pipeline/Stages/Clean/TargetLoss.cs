using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Stages.Clean;

/// <summary>The target's values in some rows: how many, their sum and the sum of their squares.</summary>
internal sealed record TargetSums(long Count, double Sum, double Squares)
{
    public static TargetSums None { get; } = new(0, 0, 0);

    public double Mean => Sum / Count;

    /// <summary>Variance of the mean.</summary>
    public double Error => Math.Max(0, (Squares - (Sum * Sum / Count)) / (Count - 1)) / Count;

    public TargetSums And(TargetSums other) => new(Count + other.Count, Sum + other.Sum, Squares + other.Squares);
}

/// <summary>Whether the rows that cleaning leaves out have another target than those that stay: then the model learns a world that is not there.</summary>
/// <param name="Kept">The target in rows that stay.</param>
/// <param name="LeftOut">The target in rows that do not, where they have one.</param>
internal sealed record TargetLoss(TargetSums Kept, TargetSums LeftOut)
{
    private const long FewestRows = 20;

    /// <summary>Two-sided 0.1 % of the standard normal distribution.</summary>
    private const double Limit = 3.29;

    public static TargetLoss None { get; } = new(TargetSums.None, TargetSums.None);

    public TargetLoss And(TargetLoss other) => new(Kept.And(other.Kept), LeftOut.And(other.LeftOut));

    /// <summary>Whether the means differ by more than chance explains (Welch's test, at 0.1 %).</summary>
    public bool DependsOnTarget => Kept.Count >= FewestRows && LeftOut.Count >= FewestRows
        && Math.Abs(Kept.Mean - LeftOut.Mean) > Limit * Math.Sqrt(Kept.Error + LeftOut.Error);

    /// <param name="session">The session.</param>
    /// <param name="fromSql">All rows.</param>
    /// <param name="reasonSql">Negative for rows that stay.</param>
    /// <param name="target">The target's column.</param>
    /// <param name="oneClass">One of its values, whose share is compared where it is a text.</param>
    public static TargetLoss Measure(DuckDbSession session, string fromSql, string reasonSql, DatasetColumn target, string? oneClass)
    {
        var name = Sql.Name(target.Name);
        var value = target.Type switch
        {
            StorageType.Double => $"CASE WHEN isfinite({name}) THEN {name} END",
            StorageType.Boolean => $"{name}::INTEGER::DOUBLE",
            StorageType.Varchar when oneClass is not null => $"({name} = {Sql.Text(oneClass)})::INTEGER::DOUBLE",
            _ => "NULL::DOUBLE",
        };
        var sums = new Dictionary<bool, TargetSums>();
        foreach (var row in session.Rows(
            $"SELECT {reasonSql} < 0, count({value}), coalesce(sum({value}), 0), coalesce(sum({value} * {value}), 0) FROM {fromSql} GROUP BY 1"))
        {
            sums[(bool)row[0]!] = new TargetSums((long)row[1]!, (double)row[2]!, (double)row[3]!);
        }
        return new TargetLoss(sums.GetValueOrDefault(true, TargetSums.None), sums.GetValueOrDefault(false, TargetSums.None));
    }
}
