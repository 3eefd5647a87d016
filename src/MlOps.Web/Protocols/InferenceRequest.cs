using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Serving.Models;
using MlOps.Serving.Predictions;

namespace MlOps.Web.Protocols;

/// <summary>The body of <c>POST /v2/models/{model}/infer</c>.</summary>
/// <param name="Inputs">One tensor a column, <c>[n]</c> or <c>[n, 1]</c>; or where every input is a number one <c>[n, k]</c>, in the signature's order.</param>
/// <param name="Id">Comes back with the answer.</param>
/// <param name="Parameters"><c>content_type</c>: <c>pd</c> or <c>np</c>. Others are ignored.</param>
/// <param name="Outputs">Which outputs the answer has; all when left out.</param>
public sealed record InferenceRequest(
    IReadOnlyList<InferenceInput> Inputs, string? Id, IReadOnlyDictionary<string, JsonElement>? Parameters, IReadOnlyList<InferenceOutputName>? Outputs)
{
    internal const string Example =
        """
        { "id": "42", "inputs": [
          { "name": "trip_distance", "datatype": "FP64", "shape": [2], "data": [3.1, 0.8] },
          { "name": "vendor_id", "datatype": "BYTES", "shape": [2], "data": ["CMT", "VTS"] } ] }
        """;
}

/// <param name="Name">A column of the signature, or any where it has all columns.</param>
/// <param name="Shape">Rows, and cells of a row.</param>
/// <param name="Datatype"><c>BOOL</c>, <c>INT8</c> to <c>INT64</c>, <c>UINT8</c> to <c>UINT64</c>, <c>FP16</c> to <c>FP64</c>, or <c>BYTES</c> for
/// texts.</param>
/// <param name="Data">The elements, flat or nested, row after row; null where a cell is missing.</param>
/// <param name="Parameters"><c>content_type</c>: <c>pd</c>, <c>np</c>, <c>str</c> or <c>datetime</c>. Others are ignored.</param>
public sealed record InferenceInput(
    string Name, IReadOnlyList<long> Shape, string Datatype, IReadOnlyList<JsonElement> Data, IReadOnlyDictionary<string, JsonElement>? Parameters);

/// <param name="Name"><c>predict</c>, or of a model of classes <c>probabilities</c>.</param>
/// <param name="Parameters">Ignored.</param>
public sealed record InferenceOutputName(string Name, IReadOnlyDictionary<string, JsonElement>? Parameters);

/// <summary>A body as it was read.</summary>
/// <param name="Id">What comes back with the answer.</param>
/// <param name="Inputs">The tensors.</param>
/// <param name="Outputs">Names of the outputs that are wanted; null: all.</param>
internal sealed record Inference(string? Id, IReadOnlyList<Tensor> Inputs, IReadOnlySet<string>? Outputs)
{
    public static Inference Read(JsonReader body)
    {
        var id = body.Text("id");
        Tensor.ReadParameters(body);
        var inputs = ReadAll(body, "inputs", Tensor.Read);
        if (inputs is null || inputs.Count == 0)
        {
            body.Problem("inputs", "must have one tensor or more.");
        }
        foreach (var twice in (inputs ?? []).GroupBy(input => input.Name).Where(group => group.Count() > 1))
        {
            body.Problem("inputs", $"has '{twice.Key}' twice.");
        }
        var rows = (inputs ?? []).Select(input => input.Rows).Distinct().ToList();
        if (rows.Count > 1)
        {
            body.Problem("inputs", $"has tensors of {rows[0]} rows and of {rows[1]}: all must have as many.");
        }
        var outputs = ReadAll(body, "outputs", output =>
        {
            var name = output.Text("name");
            output.Take("parameters");
            return name;
        });
        return new Inference(id, inputs ?? [], outputs is { Count: > 0 } ? outputs.ToHashSet(StringComparer.Ordinal) : null);
    }

    /// <summary>Makes rows of the tensors.</summary>
    /// <exception cref="InputException">The tensors have another shape than the model's inputs.</exception>
    public void Add(RowsBuilder rows, ModelContract contract)
    {
        var columns = Columns(contract);
        for (var row = 0; row < Inputs[0].Rows; row++)
        {
            rows.Begin();
            foreach (var (name, tensor, place) in columns)
            {
                rows.Add(name, tensor.Cells[(int)((row * tensor.Width) + place)]);
            }
            rows.End();
        }
    }

    private IReadOnlyList<(string Name, Tensor Tensor, int Place)> Columns(ModelContract contract)
    {
        var inputs = contract.Signature.Inputs;
        if (Inputs is [var only] && (only.Width != 1 || inputs.All(input => input.Name != only.Name)))
        {
            if (!contract.IsAllNumeric && inputs.Count > 1)
            {
                throw new InputException(
                    $"The tensor '{only.Name}' is none of the model's inputs, and not all of these are numbers: send one tensor a column, "
                        + $"{string.Join(", ", inputs.Take(50).Select(input => input.Name))}.");
            }
            return only.Width == inputs.Count
                ? [.. inputs.Select((input, place) => (input.Name, only, place))]
                : throw new InputException(
                    $"The tensor '{only.Name}' has {Warning.Counted(only.Width, "cell")} a row; the model has "
                        + $"{Warning.Counted(inputs.Count, "input")}, in this order: {string.Join(", ", inputs.Take(50).Select(input => input.Name))}.");
        }
        return Inputs.FirstOrDefault(input => input.Width != 1) is { } wide
            ? throw new InputException($"The tensor '{wide.Name}' has {Warning.Counted(wide.Width, "cell")} a row; a column has one: shape [n] or [n, 1].")
            : [.. Inputs.Select(input => (input.Name, input, 0))];
    }

    private static List<T>? ReadAll<T>(JsonReader body, string key, Func<JsonReader, T?> read)
        where T : class
    {
        if (body.Elements(key) is not { } elements)
        {
            return null;
        }
        var found = new List<T>();
        foreach (var element in elements.TakeAll())
        {
            elements.Object(element.Key, reader =>
            {
                if (read(reader) is { } value)
                {
                    found.Add(value);
                }
                reader.RejectUnknown();
                return reader;
            });
        }
        return found;
    }
}
