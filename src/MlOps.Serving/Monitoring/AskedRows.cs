using System.Text.Json;
using MlOps.Pipeline.Scoring;
using MlOps.Serving.Models;

namespace MlOps.Serving.Monitoring;

/// <summary>Rows of a request.</summary>
/// <param name="Id">The request's id.</param>
/// <param name="Rows">The rows.</param>
/// <param name="Keys">Whom or what each is about; null when the caller did not say.</param>
/// <param name="Places">The place of each in the request; null: they are all its rows, in their order.</param>
internal sealed record AskedRows(string Id, IReadOnlyList<JsonElement> Rows, IReadOnlyList<string?>? Keys, IReadOnlyList<int>? Places)
{
    public AskedRows Only(IReadOnlyList<int> places) => new(
        Id, [.. places.Select(place => Rows[place])], Keys is { } keys ? [.. places.Select(place => keys[place])] : null, places);

    /// <summary>The id of a row.</summary>
    public string IdOf(int row) => Places is null && Rows.Count == 1 ? Id : PredictionId.Of(Id, Places?[row] ?? row);
}

/// <summary>Rows with what a version said of them.</summary>
/// <param name="Served">The version.</param>
/// <param name="Variant">As what it answered.</param>
/// <param name="Asked">The rows.</param>
/// <param name="Predictions">One for each row; null: it could not answer them.</param>
/// <param name="Ranges">Their intervals or sets; null: nobody asked.</param>
/// <param name="Took">How long that took.</param>
internal sealed record AnsweredRows(
    ServedModel Served, string Variant, AskedRows Asked, IReadOnlyList<Prediction>? Predictions, PredictionRanges? Ranges, TimeSpan Took);
