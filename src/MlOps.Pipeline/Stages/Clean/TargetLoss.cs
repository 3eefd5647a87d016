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

    /// <summary>Line of the file on which the first row starts that was left out and has a target; null where that is not known.</summary>
    public long? Line { get; init; }

    /// <summary>Its target; null: there is no such row, or a release measured it that kept none.</summary>
    public string? Example { get; init; }

    public static TargetLoss None { get; } = new(TargetSums.None, TargetSums.None);

    /// <summary>Together with the part behind.</summary>
    public TargetLoss And(TargetLoss other) => new(Kept.And(other.Kept), LeftOut.And(other.LeftOut))
    {
        Line = Example is null ? other.Line : Line,
        Example = Example ?? other.Example,
    };

    /// <summary>Whether the means differ by more than chance explains (Welch's test, at 0.1 %).</summary>
    public bool DependsOnTarget => Kept.Count >= FewestRows && LeftOut.Count >= FewestRows
        && Math.Abs(Kept.Mean - LeftOut.Mean) > Limit * Math.Sqrt(Kept.Error + LeftOut.Error);

    /// <param name="session">The session.</param>
    /// <param name="fromSql">All rows, with their <c>file_row_number</c>.</param>
    /// <param name="reasonSql">Negative for rows that stay.</param>
    /// <param name="target">The target's column.</param>
    /// <param name="oneClass">One of its values, whose share is compared where it is a text.</param>
    /// <param name="lineOf">The line of a row, by its number; null where that is not known.</param>
    public static TargetLoss Measure(
        DuckDbSession session, string fromSql, string reasonSql, DatasetColumn target, string? oneClass, Func<long, long?> lineOf)
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
        var first = ((long Row, string Target)?)null;
        foreach (var row in session.Rows(
            $"SELECT {reasonSql} < 0, count({value}), coalesce(sum({value}), 0), coalesce(sum({value} * {value}), 0), "
                + $"min(file_row_number) FILTER ({value} IS NOT NULL), min_by({name}::VARCHAR, file_row_number) FILTER ({value} IS NOT NULL) "
                + $"FROM {fromSql} GROUP BY 1"))
        {
            var kept = (bool)row[0]!;
            sums[kept] = new TargetSums((long)row[1]!, (double)row[2]!, (double)row[3]!);
            first = !kept && row[4] is long number ? (number, (string)row[5]!) : first;
        }
        return new TargetLoss(sums.GetValueOrDefault(true, TargetSums.None), sums.GetValueOrDefault(false, TargetSums.None))
        {
            Line = first is { } at ? lineOf(at.Row) : null,
            Example = first is { } shown ? Contracts.Warning.Shorten(shown.Target) : null,
        };
    }
}
