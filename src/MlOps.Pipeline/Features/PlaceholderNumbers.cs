using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Features;

/// <summary>Numbers far from all others that usually stand for a missing value, such as -999, and that the model takes for amounts.</summary>
/// <param name="Column">The column.</param>
/// <param name="Rows">Training rows with one of them.</param>
/// <param name="Numbers">They.</param>
/// <param name="Smallest">The smallest of the others.</param>
/// <param name="Largest">The largest of the others.</param>
internal sealed record PlaceholderNumbers(string Column, long Rows, IReadOnlyList<double> Numbers, double Smallest, double Largest)
{
    /// <summary>So many different values from either end are looked at.</summary>
    private const int Ends = 4;

    /// <summary>Beside so few other values, nothing is far.</summary>
    private const int FewestOthers = 5;

    /// <summary>Columns that are looked at in one statement.</summary>
    private const int MostAtOnce = 200;

    /// <summary>Largest and smallest values of whole numbers of 16 and 32 bits, and what NetCDF and others fill gaps with.</summary>
    private static readonly HashSet<double> Known =
        [short.MinValue, short.MaxValue, ushort.MaxValue, int.MinValue, int.MaxValue, uint.MaxValue, 1e20, -1e20, 1e30, -1e30, 1e36, -1e36, -3.4028235e38];

    /// <summary>True of two nines and more, with or without a decimal point, and of the limits of machine numbers.</summary>
    public static bool IsUsual(double number)
    {
        var digits = Math.Abs(number).ToString("R", CultureInfo.InvariantCulture).Replace(".", "", StringComparison.Ordinal);
        return (digits.Length >= 2 && digits.All(digit => digit == '9')) || Known.Contains(number);
    }

    /// <summary>Those of each numeric column that has some, the target included.</summary>
    /// <param name="session">The session.</param>
    /// <param name="train">The rows that models are fitted on.</param>
    public static IReadOnlyList<PlaceholderNumbers> Find(DuckDbSession session, LocalTable train)
    {
        var target = TargetColumn.Of(train.Manifest).Name;
        var used = FeaturePlan.Of(train.Manifest).Inputs.Select(input => input.Name).Append(target).ToHashSet(StringComparer.Ordinal);
        var numeric = train.Manifest.Columns.Where(column => column.Type == StorageType.Double && used.Contains(column.Name)).Select(column => column.Name);
        return
        [
            .. numeric.Chunk(MostAtOnce).SelectMany(columns =>
            {
                var ends = string.Join(", ", columns.Select(Sql.Name).Select(name => $"min({name}), max({name})"));
                var found = session.Rows($"SELECT {ends} FROM {train.ToSql()}")[0];
                return columns.Where(
                    (_, i) => found[2 * i] is double smallest && found[(2 * i) + 1] is double largest && (IsUsual(smallest) || IsUsual(largest)));
            }).Select(column => Find(session, train, column)).OfType<PlaceholderNumbers>(),
        ];
    }

    private static PlaceholderNumbers? Find(DuckDbSession session, LocalTable train, string column)
    {
        var values = $"(SELECT {Sql.Name(column)} AS x, count(*) AS n FROM {train.ToSql()} WHERE {Sql.Name(column)} IS NOT NULL GROUP BY 1)";
        var usual = session.Rows($"(SELECT x FROM {values} ORDER BY x LIMIT {Ends}) UNION (SELECT x FROM {values} ORDER BY x DESC LIMIT {Ends})")
            .Select(row => (double)row[0]!).Where(IsUsual).Order().ToList();
        if (session.Rows($"SELECT min(x), max(x), count(*) FROM {values} WHERE x NOT IN ({List(usual)})")[0]
            is not [double smallest, double largest, long and >= FewestOthers])
        {
            return null;
        }
        var far = usual.Where(number => IsFar(number, smallest, largest)).ToList();
        return far.Count == 0 ? null : new PlaceholderNumbers(
            column, (long)session.Rows($"SELECT sum(n)::BIGINT FROM {values} WHERE x IN ({List(far)})")[0][0]!, far, smallest, largest);
    }

    /// <summary>Further from the others than these are from each other, or the only ones below 0.</summary>
    private static bool IsFar(double number, double smallest, double largest) =>
        number < smallest ? smallest >= 0 || smallest - number > largest - smallest : number - largest > largest - smallest;

    /// <summary>The sentence.</summary>
    /// <param name="session">The session.</param>
    /// <param name="train">The training rows.</param>
    /// <param name="raw">The raw table that they come from, of one part, with the lines of its rows; null: no lines are known.</param>
    public Warning Tell(DuckDbSession session, LocalTable train, LocalTable? raw)
    {
        var first = raw is null ? null : FirstInFile.Find(session, raw, Column, $"{Sql.Name(Column)} IN ({List(Numbers)})");
        var isTarget = Column == TargetColumn.Of(train.Manifest).Name;
        var numbers = string.Join(" or ", Numbers.Select(Text));
        return new Warning(
            WarningCodes.PlaceholderNumbers,
            $"{(isTarget ? "The target" : "Column")} '{Column}': {Warning.Share(Rows, train.Manifest.Rows, "training rows", "has", "have")} {numbers}, far "
                + $"from all others ({Text(Smallest)} to {Text(Largest)}{(first is null ? "" : $"; the first in the file, line {first.Line}")}), and the model "
                + "takes it for an amount. Where it means that there is no value, declare \"nulls\": "
                + $"[{string.Join(", ", Numbers.Select(number => $"\"{Text(number)}\""))}].")
        {
            Column = Column,
            Count = Rows,
            Line = first?.Line,
            Example = Text(Numbers[0]),
            Headline = isTarget || Rows > train.Manifest.Rows * Warning.Many,
        };
    }

    private static string List(IEnumerable<double> numbers) => string.Join(", ", numbers.Select(number => $"{Text(number)}::DOUBLE"));

    private static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
