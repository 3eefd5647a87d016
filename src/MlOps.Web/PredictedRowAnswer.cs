using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;

namespace MlOps.Web;

/// <summary>
/// The answer of the route that is asked most: written into a buffer that is used again, with its length, and by hand where it has nothing but a prediction.
/// It is the same text that the serializer writes.
/// </summary>
internal sealed class PredictedRowAnswer(PredictedRow row) : IResult, IValueHttpResult<PredictedRow>, IValueHttpResult, IStatusCodeHttpResult
{
    /// <summary>A buffer that has grown larger is not kept.</summary>
    private const int MostKept = 64 * 1024;

    private static readonly JsonEncodedText Prediction = JsonEncodedText.Encode("prediction");
    private static readonly JsonEncodedText Probability = JsonEncodedText.Encode("probability");
    private static readonly JsonEncodedText Model = JsonEncodedText.Encode("model");
    private static readonly JsonEncodedText Version = JsonEncodedText.Encode("version");
    private static readonly JsonEncodedText Variant = JsonEncodedText.Encode("variant");
    private static readonly JsonEncodedText Id = JsonEncodedText.Encode("id");

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? idleBytes;

    [ThreadStatic]
    private static Utf8JsonWriter? idleJson;

    public PredictedRow Value => row;

    object IValueHttpResult.Value => row;

    public int? StatusCode => StatusCodes.Status200OK;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var bytes = idleBytes ?? new ArrayBufferWriter<byte>();
        var json = idleJson ?? new Utf8JsonWriter(bytes, Options);
        (idleBytes, idleJson) = (null, null);
        Write(json, row);
        json.Flush();
        var response = httpContext.Response;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = bytes.WrittenCount;
        response.BodyWriter.Write(bytes.WrittenSpan);
        if (bytes.Capacity <= MostKept)
        {
            bytes.ResetWrittenCount();
            json.Reset();
            (idleBytes, idleJson) = (bytes, json);
        }
        await response.BodyWriter.FlushAsync(httpContext.RequestAborted);
    }

    internal static void Write(Utf8JsonWriter json, PredictedRow row)
    {
        if (!IsPlain(row))
        {
            JsonSerializer.Serialize(json, row, Json.Options);
            return;
        }
        json.WriteStartObject();
        switch (row.Prediction)
        {
            case double number:
                json.WriteNumber(Prediction, number);
                break;
            case string label:
                json.WriteString(Prediction, label);
                break;
            default:
                json.WriteNull(Prediction);
                break;
        }
        if (row.Probability is { } probability)
        {
            json.WriteNumber(Probability, probability);
        }
        json.WriteString(Model, row.Model);
        json.WriteNumber(Version, row.Version);
        json.WriteString(Variant, row.Variant);
        json.WriteString(Id, row.Id);
        json.WriteEndObject();
    }

    private static bool IsPlain(PredictedRow row) =>
        row is
        {
            Prediction: null or double or string, BaseValue: null, Contributions: null, ContributionUnit: null, ClassProbabilities: null,
            ClassContributions: null, Unseen: null, OutOfRange: null, Interval: null, Set: null,
        };
}
