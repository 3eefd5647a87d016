using MlOps.Pipeline.Scoring;

namespace MlOps.Serving.Predictions;

/// <summary>Puts the answers of several versions together again.</summary>
internal static class JoinedAnswer
{
    /// <param name="rows">Rows of the request.</param>
    /// <param name="parts">The answers, each with the places of its rows.</param>
    public static PredictionResult.Predicted Of(int rows, IReadOnlyList<(IReadOnlyList<int> Places, PredictionResult.Predicted Answer)> parts)
    {
        var (predictions, by) = (new Prediction[rows], new AnsweredBy[rows]);
        var intervals = parts[0].Answer.Ranges?.Intervals is null ? null : new PredictionInterval[rows];
        var sets = parts[0].Answer.Ranges?.Sets is null ? null : new IReadOnlyList<string>[rows];
        foreach (var (places, answer) in parts)
        {
            for (var i = 0; i < places.Count; i++)
            {
                predictions[places[i]] = answer.Predictions[i];
                by[places[i]] = new AnsweredBy(answer.Version, answer.Variant);
                if (intervals is not null)
                {
                    intervals[places[i]] = answer.Ranges!.Intervals![i];
                }
                if (sets is not null)
                {
                    sets[places[i]] = answer.Ranges!.Sets![i];
                }
            }
        }
        var first = parts.Single(part => part.Places[0] == 0).Answer;
        // Each version has the probabilities of the classes that it knows, in its own order.
        if (parts.Any(part => part.Answer.Classes is { } classes && !classes.SequenceEqual(first.Classes!)))
        {
            throw new Pipeline.Contracts.InputException(
                "Several versions answer rows of this request, as the model's traffic is split, and they know different classes: send the rows one by one.");
        }
        return first with
        {
            Predictions = predictions,
            Rows = by,
            Ranges = intervals is null && sets is null ? null : new PredictionRanges(intervals, sets),
        };
    }
}
