using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Features;
using MlOps.Serving.Predictions;

namespace MlOps.Web.Protocols;

/// <param name="ModelName">The model that answered.</param>
/// <param name="ModelVersion">Its version.</param>
/// <param name="Id">That of the request.</param>
/// <param name="Outputs">The tensors.</param>
public sealed record InferenceResponse(
    [property: JsonPropertyName("model_name")] string ModelName, [property: JsonPropertyName("model_version")] string ModelVersion, string? Id,
    IReadOnlyList<InferenceOutput> Outputs);

/// <param name="Name"><c>predict</c>: one value a row. <c>probabilities</c>: of each class, in the order of parameter <c>classes</c>.</param>
/// <param name="Shape">Rows, and of probabilities the classes.</param>
/// <param name="Datatype">Of the elements.</param>
/// <param name="Parameters"><c>content_type</c> <c>str</c> of texts; <c>classes</c>, a JSON array of the labels as a text.</param>
/// <param name="Data">The elements, row after row; null where a model's answer is not a number.</param>
public sealed record InferenceOutput(
    string Name, IReadOnlyList<long> Shape, string Datatype, IReadOnlyDictionary<string, string>? Parameters, IReadOnlyList<JsonElement> Data);

/// <param name="Name">The model.</param>
/// <param name="Versions">Versions that may be asked for, newest first.</param>
/// <param name="Platform">What runs it.</param>
/// <param name="Inputs">The columns of the signature.</param>
/// <param name="Outputs">What it gives.</param>
public sealed record InferenceModel(
    string Name, IReadOnlyList<string> Versions, string Platform, IReadOnlyList<TensorDescription> Inputs, IReadOnlyList<TensorDescription> Outputs);

/// <param name="Name">Its name.</param>
/// <param name="Datatype">Of its elements.</param>
/// <param name="Shape">Its dimensions; -1: as many as there are rows.</param>
/// <param name="Parameters"><c>content_type</c>; <c>optional</c>: the column may be left out; <c>classes</c>, a JSON array of the labels as a text.</param>
public sealed record TensorDescription(string Name, string Datatype, IReadOnlyList<long> Shape, IReadOnlyDictionary<string, string>? Parameters);

/// <summary>Outputs of a version, described and filled.</summary>
internal static class InferenceAnswer
{
    public const string Predict = "predict";
    public const string Probabilities = "probabilities";

    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static TensorDescription DescribeInput(SignatureColumn column)
    {
        var parameters = new Dictionary<string, string>();
        if (column.Kind is ColumnKind.Categorical or ColumnKind.Datetime)
        {
            parameters["content_type"] = column.Kind == ColumnKind.Datetime ? "datetime" : "str";
        }
        if (column.Optional)
        {
            parameters["optional"] = "true";
        }
        var datatype = column.Kind switch { ColumnKind.Numeric => "FP64", ColumnKind.Boolean => "BOOL", _ => "BYTES" };
        return new TensorDescription(column.Name, datatype, [-1], parameters.Count == 0 ? null : parameters);
    }

    /// <param name="values">What is predicted.</param>
    /// <param name="rows">How many rows; -1: as many as there are.</param>
    public static IReadOnlyList<TensorDescription> Describe(TargetValues values, long rows = -1)
    {
        var predict = new TensorDescription(Predict, values.Datatype, [rows], values.Datatype == "BYTES" ? Of("content_type", "str") : null);
        return values.IsClasses
            ? [predict, new TensorDescription(Probabilities, "FP64", [rows, values.Labels.Count], Of("classes", Json.Write(values.Labels)))]
            : [predict];
    }

    /// <exception cref="InputException">An output is asked for that the version does not have.</exception>
    public static ReadOnlyMemory<byte> Write(PredictionResult.Predicted predicted, Inference asked)
    {
        var values = TargetValues.Of(predicted);
        var outputs = Describe(values, predicted.Predictions.Count);
        if (asked.Outputs?.Except(outputs.Select(output => output.Name)).FirstOrDefault() is { } unknown)
        {
            throw new InputException($"There is no output '{unknown}'. There is: {string.Join(", ", outputs.Select(output => output.Name))}.");
        }
        var text = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(text, Relaxed);
        json.WriteStartObject();
        json.WriteString("model_name", predicted.Model);
        json.WriteString("model_version", $"{predicted.Version}");
        if (asked.Id is { } id)
        {
            json.WriteString("id", id);
        }
        json.WriteStartArray("outputs");
        foreach (var output in outputs.Where(output => asked.Outputs?.Contains(output.Name) != false))
        {
            Write(json, output, predicted, values);
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return text.WrittenMemory;
    }

    private static void Write(Utf8JsonWriter json, TensorDescription output, PredictionResult.Predicted predicted, TargetValues values)
    {
        json.WriteStartObject();
        json.WriteString("name", output.Name);
        json.WriteString("datatype", output.Datatype);
        json.WriteStartArray("shape");
        foreach (var size in output.Shape)
        {
            json.WriteNumberValue(size);
        }
        json.WriteEndArray();
        if (output.Parameters is not null)
        {
            json.WriteStartObject("parameters");
            foreach (var (name, value) in output.Parameters)
            {
                json.WriteString(name, value);
            }
            json.WriteEndObject();
        }
        json.WriteStartArray("data");
        foreach (var prediction in predicted.Predictions)
        {
            if (output.Name == Predict)
            {
                values.Write(json, prediction, Write);
                continue;
            }
            foreach (var probability in TargetValues.Probabilities(prediction))
            {
                Write(json, probability);
            }
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>NaN and infinities are no JSON numbers: there is no prediction then.</summary>
    private static void Write(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            json.WriteNullValue();
        }
    }

    private static Dictionary<string, string> Of(string name, string value) => new() { [name] = value };
}
