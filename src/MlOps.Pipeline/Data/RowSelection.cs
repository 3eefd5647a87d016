using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Data;

public enum SplitSide
{
    Train,
    Validation,
}

/// <summary>
/// Which rows of a table belong to a side of a split: a function of the row alone, so that the same rows fall on the same side on every
/// machine and release.
/// </summary>
/// <param name="Side">The selected side.</param>
/// <param name="Validation">Share of validation rows, 0 to 1.</param>
/// <param name="Seed">Another seed, another division.</param>
/// <param name="Group">All rows with the same value of this column fall on the same side; null: by row.</param>
/// <param name="Time">Rows with this column above <see cref="Cut"/> validate; null: by hash.</param>
public sealed record RowSelection(SplitSide Side, double Validation, long Seed, string? Group = null, string? Time = null)
{
    /// <summary>With a time: microseconds since 1970, or the column's number.</summary>
    public double? Cut { get; init; }

    /// <summary>Classes with a cut of their own in place of <see cref="Validation"/>; null: none.</summary>
    public IReadOnlyList<Stratum>? Strata { get; init; }

    /// <summary>The condition as SQL over the parts' columns.</summary>
    internal string ToSql()
    {
        var validates = Time is not null
            ? $"{TimeSql(Time)} > {Sql.Number(Cut ?? double.PositiveInfinity)}"
            : $"{UnitSql(Group, Seed)} < {CutSql()}";
        return Side == SplitSide.Validation ? $"coalesce({validates}, false)" : $"NOT coalesce({validates}, false)";
    }

    private string CutSql() => Strata is null
        ? Sql.Number(Validation)
        : $"(CASE {string.Join(" ", Strata.Select(stratum => $"WHEN {stratum.Sql} THEN {Duck.Sql.Number(stratum.Cut)}"))} ELSE {Sql.Number(Validation)} END)";

    /// <summary>A time column as a number: microseconds since 1970 for timestamps, the value itself for numbers.</summary>
    internal static string TimeSql(string column) =>
        $"CASE typeof({Sql.Name(column)}) WHEN 'TIMESTAMP' THEN epoch_us(TRY_CAST({Sql.Name(column)} AS TIMESTAMP))::DOUBLE ELSE "
            + $"TRY_CAST({Sql.Name(column)}::VARCHAR AS DOUBLE) END";

    /// <summary>A row's or group's place in [0, 1).</summary>
    internal static string UnitSql(string? group, long seed)
    {
        var hash = group is null ? Sql.Name(RowHash.ColumnName) : $"{RowHash.FunctionName}({Sql.Name(group)})";
        return $"{UnitHash.FunctionName}({hash}, {Sql.Number(seed)}::UBIGINT)";
    }
}

/// <summary>Rows that are divided by themselves.</summary>
/// <param name="Sql">The condition that they meet.</param>
/// <param name="Cut">Of their places in [0, 1), those below validate.</param>
public sealed record Stratum(string Sql, double Cut);
