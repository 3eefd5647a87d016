using System.ComponentModel;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Serving.Feedback;
using MlOps.Serving.Monitoring;

namespace MlOps.Web;

/// <summary>What the prediction log has of one person or thing.</summary>
public static class PredictionsApi
{
    public const string ContentType = "application/x-ndjson";

    private const int MostDays = 3660;
    private const int UsualDays = 90;

    private const string KeyWords = "As it was sent with the row, as key or in keys.";
    private const string DaysWords = "Rows of the last days, today among them, 1 to 3660; 90 when left out.";

    /// <summary>Streams the lines as they stand in the log.</summary>
    public static IResult Export(
        string name, [Description(KeyWords)] string? key, [Description(DaysWords)] string? days, KeyedRows rows, CancellationToken cancel)
    {
        var (model, wanted, count) = (ModelOf(name), KeyOf(key), DaysOf(days));
        return TypedResults.Stream(output => rows.ExportAsync(model, wanted, count, output, cancel), ContentType);
    }

    public static async Task<IResult> DeleteAsync(
        string name, [Description(KeyWords)] string? key, HttpContext http, KeyDeletion deletion, CancellationToken cancel)
    {
        var (model, wanted) = (ModelOf(name), KeyOf(key));
        // Also when it fails in between: which key was meant.
        Auditing.Tell(http, RowKey.FingerprintOf(wanted), to: null);
        var deleted = await deletion.DeleteAsync(model, wanted, cancel);
        Auditing.Tell(http, RowKey.FingerprintOf(wanted), $"{deleted.Rows} rows deleted");
        return TypedResults.Ok(deleted);
    }

    private static string ModelOf(string name) =>
        Names.IsModel(name) ? name : throw new InputException($"The model name '{name}' in the URL must be {ModelName.Rule}.");

    private static string KeyOf(string? key) => key is null
        ? throw new InputException("Say whose rows are meant: ?key=, as it was sent with them.")
        : RowKey.ProblemOf(key) is { } problem ? throw new InputException($"key {problem}") : key;

    private static int DaysOf(string? days) => days is null ? UsualDays
        : int.TryParse(days, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= MostDays ? count
        : throw new InputException($"days is '{days}'; it must be a whole number from 1 to {MostDays}.");
}
