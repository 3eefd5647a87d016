using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Scoring;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Predictions;

namespace MlOps.Web;

/// <summary>Predictions of the production versions.</summary>
public static class PredictApi
{
    public static async Task<IResult> PredictAsync(HttpRequest request, PredictionService predictions, InputLimits limits, CancellationToken cancel)
    {
        if (PredictStream.IsStream(request))
        {
            return await PredictStream.AnswerAsync(request, predictions, limits, cancel);
        }
        using var body = await JsonBody.ReadAsync(request, limits, cancel);
        if (body is null)
        {
            return HttpProblems.BadRequest("The body is empty. Send {\"features\": {…}} for one row or {\"rows\": [{…}, …]} for several.");
        }
        var asked = Asked.ReadPlain(body.RootElement, limits) ?? JsonBody.Read(body.RootElement, json => Asked.Read(json, limits));
        return await predictions.PredictAsync(asked.Model, asked.Rows, asked.Wanted, asked.Keys, cancel) switch
        {
            PredictionResult.Predicted predicted when asked.IsBatch => TypedResults.Ok(Many(predicted)),
            PredictionResult.Predicted predicted => new PredictedRowAnswer(One(predicted)),
            var other => PredictionProblems.Of(other),
        };
    }

    private static PredictedRow One(PredictionResult.Predicted predicted) => One(predicted, predicted.Predictions[0], predicted.Id);

    /// <summary>The answer about one of the rows, whose explanation and interval are those of the first.</summary>
    internal static PredictedRow One(PredictionResult.Predicted predicted, Prediction prediction, string id)
    {
        return new PredictedRow(
            Value(predicted.Task, prediction), Probability(predicted.Task, prediction), predicted.Model, predicted.Version, predicted.Variant,
            predicted.Explanations?.BaseValues[0], predicted.Explanations is { } explained ? Contributions(explained, 0) : null, Unit(predicted))
        {
            Id = id,
            ClassProbabilities = ClassProbabilities(predicted, prediction),
            ClassContributions = ClassContributions(predicted, 0),
            Unseen = prediction.Unseen,
            OutOfRange = prediction.OutOfRange,
            Interval = predicted.Ranges?.Intervals?[0] is { } interval ? Of(interval) : null,
            Set = predicted.Ranges?.Sets?[0],
        };
    }

    private static PredictedRows Many(PredictionResult.Predicted predicted)
    {
        var isMulticlass = predicted.Task == TaskKind.Multiclass;
        return new PredictedRows(
            [.. predicted.Predictions.Select(prediction => Value(predicted.Task, prediction))],
            predicted.Task == TaskKind.Regression ? null : [.. predicted.Predictions.Select(prediction => Probability(predicted.Task, prediction))],
            predicted.Model, predicted.Rows is null ? predicted.Version : null, predicted.Rows is null ? predicted.Variant : null,
            isMulticlass || predicted.Predictions.Count == 0 ? null : predicted.Explanations?.BaseValues[0],
            predicted.Explanations is { } explained ? [.. predicted.Predictions.Select((_, row) => Contributions(explained, row))] : null, Unit(predicted))
        {
            Ids = [.. predicted.Ids],
            Versions = predicted.Rows?.Select(row => row.Version).ToList(),
            Variants = predicted.Rows?.Select(row => row.Variant).ToList(),
            ClassProbabilities = isMulticlass ? [.. predicted.Predictions.Select(prediction => ClassProbabilities(predicted, prediction)!)] : null,
            ClassContributions = predicted.Explanations?.Classes is null
                ? null
                : [.. predicted.Predictions.Select((_, row) => ClassContributions(predicted, row)!)],
            BaseValues = isMulticlass ? predicted.Explanations?.BaseValues : null,
            Unseen = Noted(predicted, prediction => prediction.Unseen),
            OutOfRange = Noted(predicted, prediction => prediction.OutOfRange),
            Intervals = predicted.Ranges?.Intervals?.Select(Of).ToList(),
            Sets = predicted.Ranges?.Sets,
        };
    }

    private static double? Probability(TaskKind task, Prediction prediction) => task == TaskKind.Regression ? null : Finite(prediction.Score);

    private static Dictionary<string, double>? ClassProbabilities(PredictionResult.Predicted predicted, Prediction prediction) =>
        prediction.Probabilities?.Select((probability, place) => (predicted.Classes![place], probability)).ToDictionary(StringComparer.Ordinal);

    private static Dictionary<string, ClassContributions>? ClassContributions(PredictionResult.Predicted predicted, int row) =>
        predicted.Explanations?.Classes?
            .Select((one, place) => (predicted.Classes![place], new ClassContributions(one.BaseValues[row], Contributions(one, row))))
            .ToDictionary(StringComparer.Ordinal);

    /// <summary>One list a row; null where no row has anything to tell.</summary>
    private static IReadOnlyList<IReadOnlyList<string>>? Noted(PredictionResult.Predicted predicted, Func<Prediction, IReadOnlyList<string>?> of) =>
        predicted.Predictions.Any(prediction => of(prediction) is not null) ? [.. predicted.Predictions.Select(prediction => of(prediction) ?? [])] : null;

    private static PredictedInterval Of(PredictionInterval interval) => new(Finite(interval.Low), Finite(interval.High));

    private static Dictionary<string, double> Contributions(PredictionExplanations explanations, int row) =>
        explanations.Features.Select((name, feature) => (name, explanations.Contributions[row][feature])).ToDictionary(StringComparer.Ordinal);

    private static string? Unit(PredictionResult.Predicted predicted) =>
        predicted.Explanations is null ? null : predicted.Task switch { TaskKind.Binary => "log-odds", TaskKind.Multiclass => "score", _ => "prediction" };

    private static object? Value(TaskKind task, Prediction prediction) => task == TaskKind.Regression ? Finite(prediction.Score) : prediction.Label;

    /// <summary>NaN and infinities are no JSON numbers: there is no prediction then.</summary>
    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    private sealed record Asked(string? Model, IReadOnlyList<JsonElement> Rows, bool IsBatch, Wanted Wanted, IReadOnlyList<string?>? Keys)
    {
        /// <summary>What most callers send: one row, and nothing wrong. Null: it is something else, or wrong.</summary>
        public static Asked? ReadPlain(JsonElement body, InputLimits limits)
        {
            if (body.ValueKind != JsonValueKind.Object)
            {
                return null;
            }
            (string? model, string? key, JsonElement? features) = (null, null, null);
            foreach (var member in body.EnumerateObject())
            {
                if (member.NameEquals("features"u8) && member.Value.ValueKind == JsonValueKind.Object)
                {
                    features = member.Value;
                }
                else if (member.NameEquals("model"u8) && member.Value.ValueKind == JsonValueKind.String)
                {
                    model = member.Value.GetString();
                }
                else if (member.NameEquals("key"u8) && member.Value.ValueKind == JsonValueKind.String)
                {
                    key = member.Value.GetString();
                }
                else
                {
                    return null;
                }
            }
            return features is { } row && row.GetPropertyCount() <= limits.Columns && (key is null || RowKey.ProblemOf(key) is null)
                ? new Asked(model, [row], IsBatch: false, Wanted.Nothing, key is null ? null : [key])
                : null;
        }

        public static Asked Read(JsonReader body, InputLimits limits)
        {
            var model = body.Text("model");
            var explain = body.Flag("explainClasses") == true
                ? ExplainKind.EveryClass
                : body.Flag("explain") == true ? ExplainKind.Prediction : ExplainKind.None;
            var wanted = new Wanted(explain, body.Number("interval", ConformalScores.LeastLevel, ConformalScores.MostLevel));
            var features = body.Take("features");
            var rows = body.Items("rows");
            if (features is null == body.Take("rows") is null)
            {
                body.Problem(
                    "features", features is null ? "is missing: send it for one row, or 'rows' for several." : "and 'rows' are both given: send one of them.");
            }
            if (features is { ValueKind: not JsonValueKind.Object })
            {
                body.Problem("features", "must be an object: column names with their values.");
            }
            foreach (var (row, index) in (rows ?? []).Select((row, index) => (row, index)).Where(item => item.row.ValueKind != JsonValueKind.Object))
            {
                body.Problem($"rows[{index}]", "must be an object: column names with their values.");
            }
            if ((rows ?? []).Append(features ?? default).Any(row => row.ValueKind == JsonValueKind.Object && row.GetPropertyCount() > limits.Columns))
            {
                throw new InputException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"A row has more than {limits.Columns:N0} columns. Send only those of the model's signature; the setting is "
                        + $"{InputLimits.Setting(nameof(InputLimits.Columns))}."));
            }
            return new Asked(model, rows ?? (features is { } one ? [one] : []), rows is not null, wanted, ReadKeys(body, rows));
        }

        /// <summary>One for each row, or none at all.</summary>
        private static IReadOnlyList<string?>? ReadKeys(JsonReader body, IReadOnlyList<JsonElement>? rows)
        {
            var (one, many) = (body.Text("key"), body.Items("keys"));
            if (one is not null && RowKey.ProblemOf(one) is { } problem)
            {
                body.Problem("key", problem);
            }
            if (rows is null ? many is not null : one is not null)
            {
                body.Problem(rows is null ? "keys" : "key", $"goes with '{(rows is null ? "rows" : "features")}': send '{(rows is null ? "key" : "keys")}'.");
                return null;
            }
            if (many is null)
            {
                return one is null ? null : [one];
            }
            if (many.Count != rows!.Count)
            {
                body.Problem("keys", $"has {many.Count} items for {rows.Count} rows: send one for each, null where a row has none.");
                return null;
            }
            var keys = new string?[many.Count];
            for (var i = 0; i < keys.Length; i++)
            {
                keys[i] = many[i].ValueKind == JsonValueKind.String ? many[i].GetString() : null;
                if (many[i].ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
                {
                    body.Problem($"keys[{i}]", "must be a text, or null.");
                }
                else if (keys[i] is { } key && RowKey.ProblemOf(key) is { } wrong)
                {
                    body.Problem($"keys[{i}]", wrong);
                }
            }
            return keys;
        }
    }
}

/// <summary>The body of <c>POST /predict</c> for one row.</summary>
/// <param name="Features">Raw input columns with their values, as in the training file.</param>
/// <param name="Model">Which model; may be left out while there is only one.</param>
/// <param name="Explain">True: the answer says how every prediction comes about.</param>
/// <param name="ExplainClasses">True: of several classes the answer says also how each class's score comes about.</param>
/// <param name="Key">Whom or what the row is about: by it the row is exported and deleted. The model does not see it.</param>
/// <param name="Interval">0.5 to 0.99: the answer says between what each value lies with this probability (regression), or which labels a row may have
/// (classes).</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PredictRowRequest(
    IReadOnlyDictionary<string, JsonElement> Features, string? Model, bool? Explain, bool? ExplainClasses, string? Key, double? Interval);

/// <summary>The body of <c>POST /predict</c> for several rows.</summary>
/// <param name="Rows">Rows of raw input columns with their values, as in the training file.</param>
/// <param name="Model">Which model; may be left out while there is only one.</param>
/// <param name="Explain">True: the answer says how every prediction comes about.</param>
/// <param name="ExplainClasses">True: of several classes the answer says also how each class's score comes about.</param>
/// <param name="Keys">Whom or what each row is about, one each; null where a row has none.</param>
/// <param name="Interval">0.5 to 0.99: the answer says between what each value lies with this probability (regression), or which labels a row may have
/// (classes).</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PredictRowsRequest(
    IReadOnlyList<IReadOnlyDictionary<string, JsonElement>> Rows, string? Model, bool? Explain, bool? ExplainClasses, IReadOnlyList<string?>? Keys,
    double? Interval);

/// <param name="Prediction">
/// A number (regression), or the label as it stands in the data (binary, multiclass). Null when the model's answer is not a number.
/// </param>
/// <param name="Probability">Of the positive class (binary), or of the predicted class (multiclass), 0 to 1.</param>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="Variant"><c>production</c>, or <c>challenger</c> where the model's traffic is split.</param>
/// <param name="BaseValue">With explain: the prediction that nothing is known about, in <paramref name="ContributionUnit"/>.</param>
/// <param name="Contributions">With explain: what each feature adds to the base value (SHAP values).</param>
/// <param name="ContributionUnit">
/// With explain: <c>prediction</c>, the target's own unit, <c>log-odds</c> of the positive class (binary), or <c>score</c> of the predicted class, before
/// scores become probabilities (multiclass).
/// </param>
public sealed record PredictedRow(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] object? Prediction, double? Probability, string Model, int Version, string Variant,
    double? BaseValue = null, IReadOnlyDictionary<string, double>? Contributions = null, string? ContributionUnit = null)
{
    /// <summary>By which feedback finds the prediction again.</summary>
    public required string Id { get; init; }

    /// <summary>Multiclass only: the probability of each class, 0 to 1.</summary>
    public IReadOnlyDictionary<string, double>? ClassProbabilities { get; init; }

    /// <summary>With explainClasses: how the score of each class comes about.</summary>
    public IReadOnlyDictionary<string, ClassContributions>? ClassContributions { get; init; }

    /// <summary>Categorical inputs whose value is none of the model's categories; left out when there are none.</summary>
    public IReadOnlyList<string>? Unseen { get; init; }

    /// <summary>Inputs whose value is below or above all that the model was trained on; left out when there are none.</summary>
    public IReadOnlyList<string>? OutOfRange { get; init; }

    /// <summary>With interval, regression: between what the value lies.</summary>
    public PredictedInterval? Interval { get; init; }

    /// <summary>With interval, binary and multiclass: the labels that the row may have; one where the model is sure.</summary>
    public IReadOnlyList<string>? Set { get; init; }
}

/// <summary>How the score of one class comes about.</summary>
/// <param name="BaseValue">The score that nothing is known about.</param>
/// <param name="Contributions">What each feature adds to it (SHAP values).</param>
public sealed record ClassContributions(double BaseValue, IReadOnlyDictionary<string, double> Contributions);

/// <param name="Predictions">One per row, in the request's order.</param>
/// <param name="Probabilities">Of the positive class (binary), or of the predicted class (multiclass), one per row.</param>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version; left out where several answered, see versions.</param>
/// <param name="Variant"><c>production</c>, or <c>challenger</c> where the model's traffic is split; left out where several answered, see variants.</param>
/// <param name="BaseValue">With explain: the prediction that nothing is known about, in <paramref name="ContributionUnit"/>.</param>
/// <param name="Contributions">With explain: what each feature adds to the base value (SHAP values), one object per row.</param>
/// <param name="ContributionUnit">
/// With explain: <c>prediction</c>, the target's own unit, <c>log-odds</c> of the positive class (binary), or <c>score</c> of the predicted class, before
/// scores become probabilities (multiclass).
/// </param>
public sealed record PredictedRows(
    IReadOnlyList<object?> Predictions, IReadOnlyList<double?>? Probabilities, string Model, int? Version, string? Variant,
    double? BaseValue = null, IReadOnlyList<IReadOnlyDictionary<string, double>>? Contributions = null, string? ContributionUnit = null)
{
    /// <summary>By which feedback finds each prediction again, one per row.</summary>
    public required IReadOnlyList<string> Ids { get; init; }

    /// <summary>Where several versions answered rows of the request, as its model's traffic is split by their keys: which answered each row.</summary>
    public IReadOnlyList<int>? Versions { get; init; }

    /// <summary>The same: as which variant.</summary>
    public IReadOnlyList<string>? Variants { get; init; }

    /// <summary>Multiclass only: for every row the probability of each class, 0 to 1.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, double>>? ClassProbabilities { get; init; }

    /// <summary>With explainClasses: for every row how the score of each class comes about.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, ClassContributions>>? ClassContributions { get; init; }

    /// <summary>Multiclass, with explain: for every row the base value of the predicted class, in place of the one base value of other tasks.</summary>
    public IReadOnlyList<double>? BaseValues { get; init; }

    /// <summary>For every row, the categorical inputs whose value is none of the model's categories; left out when no row has any.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? Unseen { get; init; }

    /// <summary>For every row, the inputs whose value is below or above all that the model was trained on; left out when no row has any.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? OutOfRange { get; init; }

    /// <summary>With interval, regression: between what each value lies.</summary>
    public IReadOnlyList<PredictedInterval>? Intervals { get; init; }

    /// <summary>With interval, binary and multiclass: the labels that each row may have.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? Sets { get; init; }
}

/// <summary>Between what a value lies, with the probability that was asked for.</summary>
/// <param name="Low">The lower end; null when it is no number.</param>
/// <param name="High">The upper end.</param>
public sealed record PredictedInterval(double? Low, double? High);
