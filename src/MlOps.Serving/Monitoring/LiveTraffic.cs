using System.Globalization;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Reports.Monitoring;

namespace MlOps.Serving.Monitoring;

/// <summary>The traffic of a window, of all versions.</summary>
/// <param name="From">The first time whose rows are counted: later than the window's where it has more rows than a check reads.</param>
/// <param name="Versions">What each did.</param>
internal sealed record LiveTraffic(DateTimeOffset From, IReadOnlyList<VersionTraffic> Versions)
{
    /// <param name="session">Reads.</param>
    /// <param name="files">What was downloaded of the window.</param>
    /// <param name="window">The window; whichever version answered counts.</param>
    public static LiveTraffic Of(DuckDbSession session, LoggedFiles files, LiveWindow window)
    {
        var (at, ms, failed) = (Sql.Name(LoggedRow.At), Sql.Name(LoggedRow.Milliseconds), $"coalesce({Sql.Name(LoggedRow.Failed)}, false)");
        var rows = session.Rows(
            $"SELECT {Sql.Name(LoggedRow.Version)}, {Sql.Name(LoggedRow.Variant)}, count(*), count(*) FILTER ({failed}), "
                + $"quantile_cont({ms}, 0.5) FILTER (NOT {failed}), quantile_cont({ms}, 0.95) FILTER (NOT {failed}), min({at}) "
                + $"FROM {LoggedSql.From(files.Paths, LoggedRow.At, LoggedRow.Version, LoggedRow.Variant, LoggedRow.Failed, LoggedRow.Milliseconds)} "
                + $"WHERE {at} >= {Sql.Text(LoggedRow.TimeText(window.From))} AND {at} < {Sql.Text(LoggedRow.TimeText(window.Until))} "
                + $"AND {Sql.Name(LoggedRow.Version)} IS NOT NULL AND {Sql.Name(LoggedRow.Variant)} IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2");
        var first = rows.Select(row => (string)row[6]!).Order(StringComparer.Ordinal).FirstOrDefault();
        return new LiveTraffic(
            files.IsWhole || first is null ? window.From : DateTimeOffset.Parse(first, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal),
            [
                .. rows.Select(row => new VersionTraffic(
                    Convert.ToInt32(row[0], CultureInfo.InvariantCulture), (string)row[1]!, Convert.ToInt64(row[2], CultureInfo.InvariantCulture),
                    Convert.ToInt64(row[3], CultureInfo.InvariantCulture), Number(row[4]), Number(row[5]))),
            ]);
    }

    private static double? Number(object? value) =>
        value is null or DBNull ? null : Math.Round(Convert.ToDouble(value, CultureInfo.InvariantCulture), 4);
}
