using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;

namespace MlOps.Serving.Lineage;

/// <summary>What a lineage is asked of, as <c>kind/id</c>.</summary>
public static class LineageQuery
{
    /// <summary>What may be asked, in words.</summary>
    public const string Words =
        "run/{run}, version/{model}@{number}, dataset/{model}@{name}, file/{model}/{file}, or predictions/{model}/{yyyy}/{MM}/{dd}/{HH}";

    /// <summary>The lineage; null when there is no such thing.</summary>
    /// <param name="reader">Follows it.</param>
    /// <param name="kind"><c>run</c>, <c>version</c>, <c>dataset</c>, <c>file</c> or <c>predictions</c>.</param>
    /// <param name="id">See <see cref="Words"/>.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException">It is not asked so.</exception>
    public static Task<LineageGraph?> FindAsync(LineageReader reader, string kind, string id, CancellationToken cancel)
    {
        var parts = id.Split(kind is "version" or "dataset" ? '@' : '/', 2);
        var model = kind == "run" ? Pipeline.Tracking.RunId.ModelOf(id) ?? "" : parts[0];
        var rest = parts.Length == 2 ? parts[1] : "";
        if (!ModelName.IsValid(model) || (kind != "run" && rest.Length == 0))
        {
            throw Wrong(kind, id);
        }
        return kind switch
        {
            "run" => reader.OfRunAsync(id, cancel),
            "version" when int.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out var number) =>
                reader.OfVersionAsync(model, number, cancel),
            "dataset" => reader.OfDatasetAsync(model, rest, cancel),
            "file" => reader.OfFileAsync(model, rest, cancel),
            "predictions" when HourOf(rest) is { } hour => reader.OfHourAsync(model, hour, cancel),
            _ => throw Wrong(kind, id),
        };
    }

    internal static DateTimeOffset? HourOf(string text) =>
        DateTimeOffset.TryParseExact(text, "yyyy/MM/dd/HH", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var hour) ? hour : null;

    private static InputException Wrong(string kind, string id) => new($"A lineage is of {Words}; '{kind}/{id}' is none of these.");
}
