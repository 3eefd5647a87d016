using System.Buffers;
using System.Globalization;

namespace MlOps.Pipeline.Data.Duck;

/// <summary>Names and values from data never enter SQL unquoted.</summary>
internal static class Sql
{
    private static readonly SearchValues<char> PatternSigns = SearchValues.Create("[]*?{}");

    public static string Name(string identifier) => "\"" + identifier.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    public static string Text(string value) => "'" + value.Replace("'", "''", StringComparison.Ordinal) + "'";

    /// <summary>A file that is read. DuckDB would take brackets and stars of its name for a pattern: a class of one character stands for that alone.</summary>
    public static string File(string path) => Text(path.AsSpan().IndexOfAny(PatternSigns) < 0 ? path : string.Concat(path.Select(Literal)));

    public static string Files(IEnumerable<string> paths) => "[" + string.Join(", ", paths.Select(File)) + "]";

    public static string Texts(IEnumerable<string> values) => "[" + string.Join(", ", values.Select(Text)) + "]";

    /// <summary>
    /// True when a value is none of a list's; null for null. Not SQL's NOT IN: DuckDB turns a long one into a join, and a join does not keep
    /// the rows in order.
    /// </summary>
    public static string NotIn(string valueSql, IEnumerable<string> listSql) => $"NOT list_contains([{string.Join(", ", listSql)}], {valueSql})";

    /// <summary>A DOUBLE literal that means exactly this value.</summary>
    public static string Number(double value) => value switch
    {
        double.PositiveInfinity => "'Infinity'::DOUBLE",
        double.NegativeInfinity => "'-Infinity'::DOUBLE",
        // A number without quotes is a decimal first, which its cast may round otherwise.
        _ => $"'{value.ToString("R", CultureInfo.InvariantCulture)}'::DOUBLE",
    };

    private static string Literal(char sign) => sign is '[' or '*' or '?' or '{' ? $"[{sign}]" : sign.ToString();

    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
