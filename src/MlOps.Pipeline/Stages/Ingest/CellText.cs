using System.Globalization;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>What the text of a single cell can be read as.</summary>
internal static class CellText
{
    /// <summary>Supported datetime formats: .NET's pattern and DuckDB's strptime pattern of the same. Null means ISO 8601, which DuckDB casts by
    /// itself.</summary>
    private static readonly (string Net, string? Strptime)[] DateFormats =
    [
        ("yyyy-MM-dd", null),
        ("yyyy-MM-dd HH:mm", null),
        ("yyyy-MM-dd HH:mm:ss", null),
        ("yyyy-MM-dd HH:mm:ss.FFFFFF", null),
        ("yyyy-MM-ddTHH:mm", null),
        ("yyyy-MM-ddTHH:mm:ss", null),
        ("yyyy-MM-ddTHH:mm:ssK", null),
        ("yyyy-MM-ddTHH:mm:ss.FFFFFFK", null),
        ("yyyy/MM/dd", "%Y/%m/%d"),
        ("yyyy/MM/dd HH:mm:ss", "%Y/%m/%d %H:%M:%S"),
        ("M/d/yyyy", "%m/%d/%Y"),
        ("M/d/yyyy H:mm", "%m/%d/%Y %H:%M"),
        ("M/d/yyyy H:mm:ss", "%m/%d/%Y %H:%M:%S"),
        ("M/d/yyyy h:mm:ss tt", "%m/%d/%Y %I:%M:%S %p"),
        ("d/M/yyyy", "%d/%m/%Y"),
        ("d/M/yyyy H:mm", "%d/%m/%Y %H:%M"),
        ("d/M/yyyy H:mm:ss", "%d/%m/%Y %H:%M:%S"),
        ("d.M.yyyy", "%d.%m.%Y"),
        ("d.M.yyyy H:mm", "%d.%m.%Y %H:%M"),
        ("d.M.yyyy H:mm:ss", "%d.%m.%Y %H:%M:%S"),
    ];

    /// <summary>Whole numbers without leading zeros: <c>007</c> is a code, not a number.</summary>
    public static bool IsInteger(string cell)
    {
        var text = cell.AsSpan().Trim();
        var digits = text.TrimStart("+-");
        return !(digits.Length > 1 && digits[0] == '0') && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);
    }

    public static bool IsNumber(string cell, bool decimalComma)
    {
        var text = cell.AsSpan().Trim();
        var digits = text.TrimStart("+-");
        if (digits.Length == 0 || (digits.Length > 1 && digits[0] == '0' && char.IsAsciiDigit(digits[1])))
        {
            return false;
        }
        if (decimalComma)
        {
            if (text.Contains('.'))
            {
                return false;
            }
            text = text.ToString().Replace(',', '.');
        }
        return double.TryParse(
            text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out _)
            || digits.Equals("inf", StringComparison.OrdinalIgnoreCase)
            || digits.Equals("infinity", StringComparison.OrdinalIgnoreCase);
    }

    public static bool IsBoolean(string cell) => bool.TryParse(cell, out _);

    /// <summary>The first supported format that reads the cell, as an index for <see cref="Strptime"/>; null when none does.</summary>
    public static int? DateFormatOf(string cell) => DateFormatsOf(cell).Cast<int?>().FirstOrDefault();

    /// <summary>All supported formats that read the cell: 3/4/2024 is in two of them.</summary>
    public static IEnumerable<int> DateFormatsOf(string cell) =>
        cell.Length is >= 8 and <= 40 && char.IsAsciiDigit(cell[0]) ? Enumerable.Range(0, DateFormats.Length).Where(format => IsDate(cell, format)) : [];

    public static bool IsDate(string cell, int format) =>
        DateTime.TryParseExact(cell, DateFormats[format].Net, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out _);

    /// <summary>DuckDB's pattern for a format; null: ISO 8601, a plain cast.</summary>
    public static string? Strptime(int format) => DateFormats[format].Strptime;
}
