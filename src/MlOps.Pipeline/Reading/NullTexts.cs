using System.Globalization;
using System.Text;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Reading;

/// <summary>Texts that mean "no value". A blank cell always does.</summary>
internal static class NullTexts
{
    /// <summary>Those of pandas' read_csv that are no word in any column.</summary>
    public static IReadOnlyList<string> Everywhere { get; } =
    [
        "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NULL", "NaN", "n/a", "nan", "null",
    ];

    /// <summary>
    /// Texts that are values in a column of words (Namibia is <c>NA</c>, a house without a basement has <c>None</c>), but stand for a missing value
    /// among numbers, dates and booleans.
    /// </summary>
    public static IReadOnlyList<string> Placeholders { get; } =
    [
        "NA", "None", "?", "-", "--", "---", ".", "..", "*", "na", "none", "nil", "n.a.", "N.A.", "(null)", @"\N", "NaT", "missing", "Missing", "unknown",
        "Unknown", "UNKNOWN", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?",
    ];

    private static readonly byte[][] OfWords = Bytes(Everywhere);
    private static readonly byte[][] OfValues = Bytes([.. Everywhere, .. Placeholders]);

    /// <summary>The texts of a column, in UTF-8.</summary>
    public static byte[][] Of(StorageType type, CellFormat? format) =>
        format?.Nulls is { } declared ? Bytes(declared) : type == StorageType.Varchar ? OfWords : OfValues;

    /// <summary>
    /// The numbers that mean "no value" where a cell is a number and no text, as in JSON and Parquet: those of the declared texts, as the column writes them.
    /// </summary>
    public static double[] NumbersOf(StorageType type, CellFormat? format)
    {
        var numbers = new HashSet<double>();
        foreach (var text in format?.Nulls ?? [])
        {
            // Elsewhere than among numbers the text counts, not its value: the code "007" is not the number 7.
            var isNumber = type == StorageType.Double
                ? NumberText.TryRead(Encoding.UTF8.GetBytes(text), format!.Numbers, out var number)
                : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number)
                    && number.ToString("R", CultureInfo.InvariantCulture) == text;
            if (isNumber && double.IsFinite(number))
            {
                numbers.Add(number);
            }
        }
        return [.. numbers];
    }

    /// <summary>Which of the texts of numbers, dates and booleans this is; negative: none.</summary>
    public static int IndexOf(ReadOnlySpan<byte> cell) => IndexIn(OfValues, cell);

    /// <summary>The text of an index.</summary>
    public static string Text(int index) => index < Everywhere.Count ? Everywhere[index] : Placeholders[index - Everywhere.Count];

    /// <summary>How many indexes there are.</summary>
    public static int Count => OfValues.Length;

    /// <summary>True where only columns of numbers, dates and booleans take the text for a missing value.</summary>
    public static bool IsPlaceholder(int index) => index >= Everywhere.Count;

    public static bool Contains(byte[][] texts, ReadOnlySpan<byte> cell) => IndexIn(texts, cell) >= 0;

    private static int IndexIn(byte[][] texts, ReadOnlySpan<byte> cell)
    {
        for (var i = 0; i < texts.Length; i++)
        {
            if (texts[i].Length == cell.Length && texts[i][0] == cell[0] && cell.SequenceEqual(texts[i]))
            {
                return i;
            }
        }
        return -1;
    }

    private static byte[][] Bytes(IReadOnlyList<string> texts) => [.. texts.Where(text => text.Length > 0).Select(Encoding.UTF8.GetBytes)];
}
