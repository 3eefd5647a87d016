using System.Globalization;

namespace MlOps.Pipeline.Data.Duck;

/// <summary>Names and values from data never enter SQL unquoted.</summary>
internal static class Sql
{
    public static string Name(string identifier) => "\"" + identifier.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    public static string Text(string value) => "'" + value.Replace("'", "''", StringComparison.Ordinal) + "'";

    public static string Texts(IEnumerable<string> values) => "[" + string.Join(", ", values.Select(Text)) + "]";

    /// <summary>A DOUBLE literal that means exactly this value.</summary>
    public static string Number(double value) => value switch
    {
        double.PositiveInfinity => "'Infinity'::DOUBLE",
        double.NegativeInfinity => "'-Infinity'::DOUBLE",
        _ => value.ToString("R", CultureInfo.InvariantCulture) + "::DOUBLE",
    };

    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
