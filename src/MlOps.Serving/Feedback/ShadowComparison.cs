using System.Globalization;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Feedback;

/// <summary>Compares what a shadow answered with what callers got, row by row, by their ids.</summary>
internal sealed class ShadowComparison(VersionCache versions)
{
    private const int MostRows = 10;
    private const int MostPairs = 20;

    /// <summary>Reads the report, still without SHAP values, from table <c>predicted</c>.</summary>
    public static ShadowReport Read(DuckDbSession session, IReadOnlyList<string> files, int shadow, TaskKind task)
    {
        session.Execute($"""
            CREATE TEMP TABLE shadowed AS
            SELECT p.id, p.version, p.prediction AS answered, s.prediction AS shadow, {DifferenceSql(task)} AS difference
            FROM (SELECT * FROM predicted WHERE variant IN ('{Variants.Production}', '{Variants.Challenger}') AND failed IS NULL) p
            JOIN (SELECT * FROM predicted WHERE variant = '{Variants.Shadow}' AND version = {shadow} AND failed IS NULL) s ON s.id = p.id
            """);
        var asked = session.Count($"SELECT count(*) FROM predicted WHERE variant IN ('{Variants.Production}', '{Variants.Challenger}') AND failed IS NULL");
        var failed = session.Count($"SELECT count(*) FROM predicted WHERE variant = '{Variants.Shadow}' AND version = {shadow} AND failed");
        var answered = session.Count("SELECT count(*) FROM shadowed");
        return new ShadowReport(shadow, asked, answered, failed, Math.Max(0, asked - answered - failed))
        {
            Disagreement = task == TaskKind.Regression || answered == 0
                ? null
                : session.Count("SELECT count(*) FROM shadowed WHERE answered <> shadow") / (double)answered,
            Differences = task == TaskKind.Multiclass ? null : ReadDifferences(session),
            Labels = task == TaskKind.Regression ? null : ReadPairs(session),
            Largest = ReadLargest(session, files),
        };
    }

    /// <summary>Adds how the answers that are farthest apart come about.</summary>
    public async Task<ShadowReport> ExplainAsync(string model, ShadowReport report, CancellationToken cancel)
    {
        if (report.Largest.Count == 0)
        {
            return report;
        }
        try
        {
            var theirs = await ExplainAsync(model, report.Version, report.Largest, cancel);
            var rows = report.Largest.ToList();
            foreach (var same in report.Largest.Select((row, i) => (row, i)).GroupBy(item => item.row.Version))
            {
                var mine = await ExplainAsync(model, same.Key, [.. same.Select(item => item.row)], cancel);
                foreach (var ((_, i), because) in same.Zip(mine))
                {
                    rows[i] = rows[i] with { AnsweredBecause = because, ShadowBecause = theirs[i] };
                }
            }
            return report with { Largest = rows };
        }
        catch (InputException cannot)
        {
            return report with { NotExplained = cannot.Message };
        }
    }

    private async Task<IReadOnlyList<IReadOnlyDictionary<string, double>>> ExplainAsync(
        string model, int version, IReadOnlyList<ShadowedRow> rows, CancellationToken cancel)
    {
        var served = await versions.FindAsync(model, version, cancel) ?? throw new InputException($"Version {version} of model '{model}' is gone.");
        var explained = await served.Scorer.ExplainAsync([.. rows.Select(row => row.Features)], everyClass: false, cancel);
        return [.. explained.Contributions.Select(row => explained.Features.Zip(row).ToDictionary(pair => pair.First, pair => pair.Second))];
    }

    private static string DifferenceSql(TaskKind task) => task switch
    {
        TaskKind.Regression => "TRY_CAST(s.prediction AS DOUBLE) - TRY_CAST(p.prediction AS DOUBLE)",
        TaskKind.Binary => "s.probability - p.probability",
        _ => "(s.prediction <> p.prediction)::INT::DOUBLE",
    };

    private static Differences? ReadDifferences(DuckDbSession session)
    {
        var row = session.Rows("""
            SELECT avg(difference), coalesce(stddev_samp(difference), 0), min(difference),
                unnest(quantile_cont(difference, [0.05, 0.25, 0.5, 0.75, 0.95])) AS q, max(difference)
            FROM shadowed WHERE isfinite(difference)
            """);
        if (row.Count == 0 || row[0][0] is null or DBNull)
        {
            return null;
        }
        var quantiles = row.Select(one => Real(one[3])).ToList();
        return new Differences(
            Real(row[0][0]), Real(row[0][1]), Real(row[0][2]), quantiles[0], quantiles[1], quantiles[2], quantiles[3], quantiles[4], Real(row[0][4]));
    }

    private static IReadOnlyList<LabelPair> ReadPairs(DuckDbSession session) =>
    [
        .. session.Rows($"""
            SELECT answered, shadow, count(*) FROM shadowed WHERE answered <> shadow GROUP BY ALL ORDER BY 3 DESC, 1, 2 LIMIT {MostPairs}
            """).Select(row => new LabelPair((string)row[0]!, (string)row[1]!, Convert.ToInt64(row[2], CultureInfo.InvariantCulture))),
    ];

    private static IReadOnlyList<ShadowedRow> ReadLargest(DuckDbSession session, IReadOnlyList<string> files)
    {
        session.Execute($"""
            CREATE TEMP TABLE largest AS
            SELECT * FROM shadowed WHERE isfinite(difference) AND difference <> 0 ORDER BY abs(difference) DESC, id LIMIT {MostRows}
            """);
        return
        [
            .. session.Rows($"""
                SELECT * FROM (
                    SELECT l.id, l.version, l.answered, l.shadow, l.difference, any_value(f.features)::VARCHAR
                    FROM largest l JOIN {LoggedSql.From(files, LoggedRow.Id, LoggedRow.Features)} f ON f.id = l.id
                    GROUP BY ALL)
                ORDER BY abs(difference) DESC, id
                """).Select(row => new ShadowedRow(
                (string)row[0]!, Convert.ToInt32(row[1], CultureInfo.InvariantCulture), row[2] as string, row[3] as string, Real(row[4]),
                JsonDocument.Parse((string)row[5]!).RootElement.Clone())),
        ];
    }

    private static double Real(object? value) => Convert.ToDouble(value, CultureInfo.InvariantCulture);
}
