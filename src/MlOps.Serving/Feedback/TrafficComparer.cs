using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Feedback;

/// <summary>Joins what was predicted under a split with what came true, and compares the versions.</summary>
public sealed class TrafficComparer
{
    /// <summary>How probable it may be that any version is ever wrongly called better or worse.</summary>
    private const double Alpha = 0.05;
    private const string Error = "TRY_CAST(prediction AS DOUBLE) - TRY_CAST(actual AS DOUBLE)";

    private readonly PredictionLogReader log;
    private readonly FeedbackStore feedback;
    private readonly VersionCache versions;
    private readonly ShadowComparison shadows;
    private readonly DuckDb duckDb;
    private readonly PipelineOptions options;
    private readonly TimeProvider time;

    internal TrafficComparer(
        PredictionLogReader log, FeedbackStore feedback, VersionCache versions, DuckDb duckDb, PipelineOptions options, TimeProvider time) =>
        (this.log, this.feedback, this.versions, shadows, this.duckDb, this.options, this.time) =
            (log, feedback, versions, new ShadowComparison(versions), duckDb, options, time);

    /// <summary>Compares the versions since their traffic was split.</summary>
    /// <exception cref="InputException">The production version of the split is gone.</exception>
    public async Task<TrafficComparison> CompareAsync(string model, TrafficSplit split, CancellationToken cancel)
    {
        var until = time.GetUtcNow();
        var production = await versions.FindAsync(model, split.Production, cancel)
            ?? throw new InputException($"Version {split.Production} of model '{model}' is gone, so nothing can be compared with it.");
        var folder = Path.Combine(options.WorkFolder, "traffic", Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        try
        {
            var told = await ToldFeedback.WriteAsync(feedback, model, split.Since, Path.Combine(folder, "feedback.jsonl"), cancel);
            var files = await log.DownloadAsync(model, split.Since, until, folder, cancel);
            if (files.Count == 0)
            {
                return new TrafficComparison(split.Since, until, NameOf(production.Scorer.Task), [], [], 0);
            }
            var found = await Task.Run(() => Compare(files, told, split, production.Scorer, until, cancel), cancel);
            return found.Shadow is { } shadow ? found with { Shadow = await shadows.ExplainAsync(model, shadow, cancel) } : found;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private TrafficComparison Compare(
        IReadOnlyList<string> files, ToldFeedback told, TrafficSplit split, IScorer scorer, DateTimeOffset until, CancellationToken cancel)
    {
        using var session = duckDb.Open(cancel);
        session.Execute($"CREATE TEMP TABLE predicted AS {PredictedSql(files, split.Since)}");
        session.Execute($"CREATE TEMP TABLE told AS SELECT row_number() OVER () AS place, * FROM {told.Sql}");
        session.Execute($"CREATE TEMP TABLE joined AS {JoinedSql(scorer)}");
        var rows = session.Rows("""
            SELECT p.version, p.variant, p.predictions, p.failed, count(j.loss), avg(j.loss), coalesce(var_samp(j.loss), 0), avg(j.measure)
            FROM (SELECT version, variant, count(*) FILTER (failed IS NULL) AS predictions, count(*) FILTER (failed) AS failed FROM predicted GROUP BY ALL) p
            LEFT JOIN joined j ON j.version = p.version AND j.variant = p.variant
            GROUP BY ALL ORDER BY p.version, p.variant
            """);
        var unmatched = session.Count("SELECT count(*) FROM told WHERE place NOT IN (SELECT place FROM joined)");
        var read = rows.Select(row => (
            Result: ResultOf(row, scorer.Task), Summary: new LossSummary(Whole(row[4]), Number(row[5]) ?? 0, Number(row[6]) ?? 0))).ToList();
        // Each of several versions gets its part of the error (Bonferroni).
        var alpha = Alpha / Math.Max(1, split.Versions.Count(version => version != split.Production));
        var main = read.FirstOrDefault(variant => variant.Result.Version == split.Production && variant.Result.Variant == Variants.Production).Summary;
        return new TrafficComparison(
            split.Since, until, NameOf(scorer.Task), [.. read.Select(variant => variant.Result)],
            [
                .. read.Where(variant => variant.Result.Version != split.Production)
                    .Select(variant => DifferenceOf(variant.Result.Version, main, variant.Summary, alpha)),
            ],
            unmatched)
        {
            Shadow = split.Shadow is { } shadow ? ShadowComparison.Read(session, files, shadow, scorer.Task) : null,
        };
    }

    private static VariantDifference DifferenceOf(int version, LossSummary production, LossSummary other, double alpha) => SequentialTest.Of(
        production, other, alpha) switch
    {
        null => new VariantDifference(version, "too few", null, null),
        { High: < 0 } interval => new VariantDifference(version, "better", other.Mean - production.Mean, interval),
        { Low: > 0 } interval => new VariantDifference(version, "worse", other.Mean - production.Mean, interval),
        var interval => new VariantDifference(version, "undecided", other.Mean - production.Mean, interval),
    };

    private static VariantResult ResultOf(IReadOnlyList<object?> row, TaskKind task)
    {
        var (loss, measure) = (Number(row[5]), Number(row[7]));
        var metrics = new Dictionary<string, double>();
        if (task == TaskKind.Regression && loss is { } squared && measure is { } absolute)
        {
            (metrics["rmse"], metrics["mae"]) = (Math.Sqrt(squared), absolute);
        }
        else if (measure is { } right)
        {
            metrics["accuracy"] = right;
        }
        return new VariantResult((int)Whole(row[0]), (string)row[1]!, Whole(row[2]), Whole(row[3]), Whole(row[4]), loss, metrics);
    }

    private static string NameOf(TaskKind task) => task switch
    {
        TaskKind.Regression => "squared_error",
        TaskKind.Binary => "brier",
        _ => "error_rate",
    };

    private static string PredictedSql(IReadOnlyList<string> files, DateTimeOffset since) =>
        "SELECT * FROM " + LoggedSql.From(files, "at", "version", "variant", "prediction", "probability", "key", "id", "failed")
            + $" WHERE \"at\" >= {Sql.Text(LoggedRow.TimeText(since))}";

    /// <summary>What was told of an id is about every version that was asked then; what was told of a key, about its newest prediction before.</summary>
    private static string JoinedSql(IScorer scorer)
    {
        var (loss, measure) = LossSql(scorer);
        return $"""
            WITH newest AS (
                SELECT t.place, t.actual, p.id FROM (SELECT * FROM told WHERE id IS NULL) t
                ASOF JOIN (SELECT key, "at", any_value(id) AS id FROM predicted WHERE key IS NOT NULL AND failed IS NULL GROUP BY key, "at") p
                ON t.key = p.key AND t."at" >= p."at"),
            named AS (SELECT place, actual, id FROM told WHERE id IS NOT NULL UNION ALL SELECT * FROM newest)
            SELECT n.place, p.version, p.variant, {loss} AS loss, {measure} AS measure FROM named n JOIN predicted p ON p.id = n.id WHERE p.failed IS NULL
            """;
    }

    private static (string Loss, string Measure) LossSql(IScorer scorer) => scorer.Task switch
    {
        TaskKind.Regression => ($"pow({Error}, 2)", $"abs({Error})"),
        TaskKind.Binary => ($"pow(probability - (actual = {Sql.Text(scorer.Contract.Labels[1])})::INT, 2)", "(prediction = actual)::INT"),
        _ => ("(prediction <> actual)::INT", "(prediction = actual)::INT"),
    };

    private static long Whole(object? value) => Convert.ToInt64(value, CultureInfo.InvariantCulture);

    private static double? Number(object? value) => value is null or DBNull ? null : Convert.ToDouble(value, CultureInfo.InvariantCulture);
}
