using System.Globalization;
using System.Text.RegularExpressions;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>What a column's sampled cells look like.</summary>
/// <param name="Type">How to store it.</param>
/// <param name="Kind">What it means.</param>
/// <param name="DateFormat">For timestamps: see <see cref="CellText.Strptime"/>.</param>
/// <param name="DecimalComma">True when numbers are written with a comma.</param>
/// <param name="Unknown">True when the sample holds no value at all.</param>
internal sealed record SniffedColumn(StorageType Type, ColumnKind Kind, int? DateFormat = null, bool DecimalComma = false, bool Unknown = false);

/// <summary>Finds a column's type and kind from a sample of its cells.</summary>
internal static partial class ColumnSniffer
{
    /// <summary>Share of cells that must read as numbers for a column with some odd cells to count as numeric.</summary>
    public const double NumericShare = 0.9;

    private const int FewRows = 50;
    private const int MostCategories = 1000;
    private const int LongText = 40;

    /// <param name="name">The column's name: a hint for ids.</param>
    /// <param name="cells">Its cells that are not null.</param>
    /// <param name="declared">The kind that the user declared, which wins.</param>
    /// <param name="commaIsFree">True when the comma is not the delimiter and may be the decimal separator.</param>
    public static SniffedColumn Sniff(string name, IReadOnlyList<string> cells, ColumnKind? declared, bool commaIsFree)
    {
        if (cells.Count == 0)
        {
            return new SniffedColumn(TypeOf(declared ?? ColumnKind.Text), declared ?? ColumnKind.Text, Unknown: declared is null);
        }
        var guess = declared switch
        {
            ColumnKind.Numeric => AsNumber(name, cells, commaIsFree, share: 0) ?? new SniffedColumn(StorageType.Double, ColumnKind.Numeric),
            ColumnKind.Datetime => AsDate(cells) ?? new SniffedColumn(StorageType.Timestamp, ColumnKind.Datetime),
            { } other => new SniffedColumn(TypeOf(other), other),
            null =>
                AsBoolean(cells) ?? AsNumber(name, cells, commaIsFree, NumericShare) ?? AsDate(cells)
                    ?? new SniffedColumn(StorageType.Varchar, KindOfText(cells)),
        };
        return declared is { } kind ? guess with { Kind = kind } : guess;
    }

    /// <summary>How columns of a kind are stored.</summary>
    public static StorageType TypeOf(ColumnKind kind) => kind switch
    {
        ColumnKind.Numeric => StorageType.Double,
        ColumnKind.Boolean => StorageType.Boolean,
        ColumnKind.Datetime => StorageType.Timestamp,
        _ => StorageType.Varchar,
    };

    /// <summary>Categorical, unless nearly every row has a text of its own.</summary>
    public static ColumnKind KindOfText(IReadOnlyList<string> cells)
    {
        var distinct = cells.Distinct(StringComparer.Ordinal).Count();
        if (cells.Count >= FewRows ? distinct <= MostCategories && distinct <= cells.Count * 0.9 : true)
        {
            return ColumnKind.Categorical;
        }
        var looksLikeText = cells.Average(cell => cell.Length) > LongText
            || cells.Count(cell => cell.Contains(' ', StringComparison.Ordinal)) > cells.Count / 2;
        return looksLikeText ? ColumnKind.Text : ColumnKind.IdLike;
    }

    /// <summary>
    /// Whole numbers are an id when each stands once and they are called one or count up without gaps. Ids too long for a double are
    /// kept as text, so that nothing is lost.
    /// </summary>
    public static SniffedColumn OfIntegers(string name, IReadOnlyList<long> values)
    {
        const long LargestExact = 1L << 53;
        if (values.Count < FewRows || values.Distinct().Count() < values.Count)
        {
            return new SniffedColumn(StorageType.Double, ColumnKind.Numeric);
        }
        var counts = (Int128)values.Max() - values.Min() == values.Count - 1;
        if (!counts && !IdName.IsMatch(name))
        {
            return new SniffedColumn(StorageType.Double, ColumnKind.Numeric);
        }
        return new SniffedColumn(
            values.All(value => value is >= -LargestExact and <= LargestExact) ? StorageType.Double : StorageType.Varchar, ColumnKind.IdLike);
    }

    private static SniffedColumn? AsBoolean(IReadOnlyList<string> cells) =>
        cells.All(CellText.IsBoolean) ? new SniffedColumn(StorageType.Boolean, ColumnKind.Boolean) : null;

    private static SniffedColumn? AsNumber(string name, IReadOnlyList<string> cells, bool commaIsFree, double share)
    {
        if (cells.All(CellText.IsInteger))
        {
            return share > 0
                ? OfIntegers(name, [.. cells.Select(cell => long.Parse(cell, CultureInfo.InvariantCulture))])
                : new SniffedColumn(StorageType.Double, ColumnKind.Numeric);
        }
        foreach (var decimalComma in commaIsFree ? [false, true] : new[] { false })
        {
            if (cells.Count(cell => CellText.IsNumber(cell, decimalComma)) is var numbers && numbers > 0 && numbers >= cells.Count * share)
            {
                return new SniffedColumn(StorageType.Double, ColumnKind.Numeric, DecimalComma: decimalComma);
            }
        }
        return null;
    }

    private static SniffedColumn? AsDate(IReadOnlyList<string> cells)
    {
        var formats = CellText.DateFormatsOf(cells[0]).ToList();
        foreach (var format in formats)
        {
            if (cells.All(cell => CellText.IsDate(cell, format)))
            {
                return new SniffedColumn(StorageType.Timestamp, ColumnKind.Datetime, format);
            }
        }
        // ISO 8601 cells may differ in precision; DuckDB's cast reads them all.
        var isIso = formats.Any(format => CellText.Strptime(format) is null)
            && cells.All(cell => CellText.DateFormatsOf(cell).Any(format => CellText.Strptime(format) is null));
        return isIso ? new SniffedColumn(StorageType.Timestamp, ColumnKind.Datetime, 0) : null;
    }

    [GeneratedRegex("(^|[_ .-])(id|uuid|guid|key|no|number|index|row)$|Id$|ID$", RegexOptions.CultureInvariant)]
    private static partial Regex IdName { get; }
}
