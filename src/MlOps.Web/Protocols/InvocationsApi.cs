using System.Buffers;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Serving.Predictions;

namespace MlOps.Web.Protocols;

/// <summary>The routes of MLflow's scoring server (mlflow/pyfunc/scoring_server), over the models in production.</summary>
public static class InvocationsApi
{
    private const string Csv = "text/csv";
    private const string JsonType = "application/json";

    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The version of this host, where MLflow tells its own.</summary>
    public static IResult GetVersion() => TypedResults.Text(
        typeof(InvocationsApi).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown");

    public static Task<IResult> PostAsync(string name, HttpRequest request, ScoringService scoring, InputLimits limits, CancellationToken cancel) =>
        AnswerAsync(name, request, scoring, limits, cancel);

    public static Task<IResult> PostToOnlyAsync(HttpRequest request, ScoringService scoring, InputLimits limits, CancellationToken cancel) =>
        AnswerAsync(model: null, request, scoring, limits, cancel);

    private static async Task<IResult> AnswerAsync(
        string? model, HttpRequest request, ScoringService scoring, InputLimits limits, CancellationToken cancel)
    {
        var type = TextType.Read(request.ContentType);
        if (type.ProblemOf(JsonType, Csv) is { } problem)
        {
            return HttpProblems.Of(StatusCodes.Status415UnsupportedMediaType, [problem]);
        }
        var body = await JsonBody.ReadBytesAsync(request, limits, cancel);
        using var json = type.Is(Csv) ? null : JsonBody.Parse(PythonJson.ToStrict(body), limits.JsonDepth);
        var invocation = json is null ? null : Invocation.Read(json.RootElement);
        var known = await scoring.DescribeAsync(model, version: null, cancel);
        if (known is not PredictionResult.Predicted described)
        {
            return Problem(known);
        }
        using var rows = new RowsBuilder();
        if (invocation is null)
        {
            new CsvRows([.. described.Contract.Signature.Inputs.Select(input => input.Name)], limits)
                .Read(body, header => ColumnChoice.Of(header, described.Contract), rows, starts: []);
        }
        else
        {
            new InvocationRows(described.Contract, rows).Add(invocation);
        }
        var result = await scoring.ScoreAsync(described.Model, version: null, rows.Build(), cancel);
        return result is PredictionResult.Predicted predicted
            ? Answer(request.HttpContext, predicted, invocation?.WantsProbabilities == true)
            : Problem(result);
    }

    private static IResult Problem(PredictionResult result) =>
        PredictionProblems.Of(result, "POST /models/{model}/invocations asks one of those in production");

    private static IResult Answer(HttpContext http, PredictionResult.Predicted predicted, bool probabilities)
    {
        PredictionHeaders.Tell(http, predicted);
        var values = TargetValues.Of(predicted);
        if (probabilities && !values.IsClasses)
        {
            throw new InputException("The param predict_method is \"predict_proba\", but this model predicts numbers, not classes: leave it out.");
        }
        var text = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(text, Relaxed);
        json.WriteStartObject();
        json.WriteStartArray("predictions");
        foreach (var prediction in predicted.Predictions)
        {
            if (!probabilities)
            {
                values.Write(json, prediction, Write);
                continue;
            }
            json.WriteStartArray();
            foreach (var probability in TargetValues.Probabilities(prediction))
            {
                Write(json, probability);
            }
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return TypedResults.Bytes(text.WrittenMemory, JsonType);
    }

    private static void Write(Utf8JsonWriter json, double value)
    {
        if (PythonJson.WordOf(value) is { } word)
        {
            json.WriteRawValue(word, skipInputValidation: true);
        }
        else
        {
            json.WriteNumberValue(value);
        }
    }
}
