using MlOps.Pipeline.Contracts;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Feedback;

/// <summary>Feedback of some time in a file on this machine, as SQL reads it.</summary>
/// <param name="Path">The file.</param>
/// <param name="Rows">How much there is.</param>
/// <param name="NewestOfKey">When a key was last told of: it is about a prediction before.</param>
internal sealed record ToldFeedback(string Path, long Rows, DateTimeOffset NewestOfKey)
{
    /// <summary>A table of <c>id</c>, <c>key</c>, <c>actual</c> and <c>at</c>, texts all of them.</summary>
    public string Sql => $"read_json({MlOps.Pipeline.Data.Duck.Sql.Files([Path])}, format = 'newline_delimited', "
        + "columns = {'id': 'VARCHAR', 'key': 'VARCHAR', 'actual': 'VARCHAR', 'at': 'VARCHAR'})";

    /// <summary>
    /// What counts of a prediction: what was told of its id before what was told of its key, and of several the newest. A table of <c>id</c> and <c>actual</c>.
    /// </summary>
    /// <param name="predicted">A table of <c>id</c>, <c>key</c> and <c>at</c>: each prediction once.</param>
    public string NewestSql(string predicted) => $"""
        (WITH told AS (SELECT * FROM {Sql}),
        keyed AS (SELECT key, "at", any_value(id) AS id FROM {predicted} WHERE key IS NOT NULL GROUP BY key, "at"),
        named AS (SELECT id, actual, "at", true AS by_id FROM told WHERE id IS NOT NULL
            UNION ALL SELECT p.id, t.actual, t."at", false FROM (SELECT * FROM told WHERE id IS NULL) t
            ASOF JOIN keyed p ON t.key = p.key AND t."at" >= p."at")
        SELECT id, actual FROM named QUALIFY row_number() OVER (PARTITION BY id ORDER BY by_id DESC, "at" DESC) = 1)
        """;

    /// <summary>Writes what was told of predictions from a time on, and of keys since.</summary>
    public static async Task<ToldFeedback> WriteAsync(FeedbackStore feedback, string model, DateTimeOffset from, string path, CancellationToken cancel)
    {
        var (rows, newest) = (0L, DateTimeOffset.MinValue);
        await using var file = new StreamWriter(path);
        await foreach (var item in feedback.ReadAsync(model, from, cancel))
        {
            // Feedback is found by the hour of its prediction: what belongs to predictions of the hour before this time is not counted.
            if (item.Id is not null && PredictionId.TimeOf(item.Id) < from)
            {
                continue;
            }
            await file.WriteLineAsync(Json.Write(new { item.Id, item.Key, item.Actual, At = LoggedRow.TimeText(item.At) }).AsMemory(), cancel);
            rows++;
            newest = item.Id is null && item.At > newest ? item.At : newest;
        }
        return new ToldFeedback(path, rows, newest);
    }
}
