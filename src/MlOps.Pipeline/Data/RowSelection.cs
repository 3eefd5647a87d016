using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Data;

public enum SplitSide
{
    Train,
    Validation,
    /// <summary>Nothing is chosen by these rows.</summary>
    Test,
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
    /// <summary>The sides go by the seed, what learning draws by the next one.</summary>
    private const long SampleSeed = 2;

    /// <summary>With a time: microseconds since 1970, or the column's number.</summary>
    public double? Cut { get; init; }

    /// <summary>Share of test rows: those that follow the validation rows; null: none.</summary>
    public double? Test { get; init; }

    /// <summary>With a time: rows above it are the test rows, those between <see cref="Cut"/> and it validate.</summary>
    public double? TestCut { get; init; }

    /// <summary>Classes with cuts of their own in place of <see cref="Validation"/> and <see cref="Test"/>; null: none.</summary>
    public IReadOnlyList<Stratum>? Strata { get; init; }

    /// <summary>Of the training rows, the share that is trained on: a uniform sample; null: all.</summary>
    public double? Sample { get; init; }

    /// <summary>The condition as SQL over the parts' columns.</summary>
    internal string ToSql() => Side == SplitSide.Train && Sample is { } share ? $"({SideSql()} AND {SampledSql(share)})" : SideSql();

    private string SideSql()
    {
        var held = HeldSql(Cut, stratum => stratum.Cut, Validation);
        if (Test is null)
        {
            return Side == SplitSide.Validation ? held : $"NOT {held}";
        }
        // By time the latest rows test; by chance those whose place follows the validation rows', which stay the same with or without them.
        var further = Time is not null
            ? HeldSql(TestCut, null, 0)
            : HeldSql(null, stratum => stratum.TestCut, Validation + Test.Value);
        return (Side, Time) switch
        {
            (SplitSide.Validation, null) => held,
            (SplitSide.Validation, _) => $"({held} AND NOT {further})",
            (SplitSide.Test, null) => $"({further} AND NOT {held})",
            (SplitSide.Test, _) => further,
            (_, null) => $"NOT {further}",
            _ => $"NOT {held}",
        };
    }

    /// <summary>A query's condition that leaves the rows of train and validation; empty where those are all.</summary>
    internal string LearningSql()
    {
        List<string> conditions = [];
        if (Test is not null)
        {
            conditions.Add($"NOT {(this with { Side = SplitSide.Test }).ToSql()}");
        }
        if (Sample is { } share)
        {
            conditions.Add($"({(this with { Side = SplitSide.Validation }).ToSql()} OR {SampledSql(share)})");
        }
        return conditions.Count == 0 ? "" : $" WHERE {string.Join(" AND ", conditions)}";
    }

    /// <summary>By the row, also where groups are divided, and by other hashes than the sides and what learning draws: all of them stay independent.</summary>
    private string SampledSql(double share) => $"{UnitSql(group: null, unchecked(Seed + SampleSeed) & long.MaxValue)} < {Duck.Sql.Number(share)}";

    /// <summary>Rows later than a time, or whose place is below a cut.</summary>
    private string HeldSql(double? time, Func<Stratum, double>? cut, double share)
    {
        if (Time is not null)
        {
            return $"coalesce({TimeSql(Time)} > {Sql.Number(time ?? double.PositiveInfinity)}, false)";
        }
        var place = Strata is null || cut is null
            ? Sql.Number(share)
            : $"(CASE {string.Join(" ", Strata.Select(stratum => $"WHEN {stratum.Sql} THEN {Duck.Sql.Number(cut(stratum))}"))} ELSE {Sql.Number(share)} END)";
        return $"coalesce({UnitSql(Group, Seed)} < {place}, false)";
    }

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
/// <param name="TestCut">Those from the cut to below this one are the test rows; 0: there are none.</param>
public sealed record Stratum(string Sql, double Cut, double TestCut = 0);
