using System.Text.Json;
using MlOps.Pipeline.Contracts;

namespace MlOps.Web.Protocols;

/// <summary>An input tensor of the Open Inference Protocol.</summary>
/// <param name="Name">A column's, or any where it has all columns.</param>
/// <param name="Shape">Its dimensions, one or two.</param>
/// <param name="Cells">Its elements, row after row.</param>
internal sealed record Tensor(string Name, IReadOnlyList<long> Shape, IReadOnlyList<JsonElement> Cells)
{
    private const int MostRank = 2;

    private static readonly Dictionary<string, Func<JsonElement, bool>> Datatypes = new(StringComparer.Ordinal)
    {
        ["BOOL"] = cell => cell.ValueKind is JsonValueKind.True or JsonValueKind.False,
        ["INT8"] = cell => cell.ValueKind == JsonValueKind.Number && cell.TryGetSByte(out _),
        ["INT16"] = cell => cell.ValueKind == JsonValueKind.Number && cell.TryGetInt16(out _),
        ["INT32"] = cell => cell.ValueKind == JsonValueKind.Number && cell.TryGetInt32(out _),
        ["INT64"] = cell => cell.ValueKind == JsonValueKind.Number && cell.TryGetInt64(out _),
        ["UINT8"] = cell => cell.ValueKind == JsonValueKind.Number && cell.TryGetByte(out _),
        ["UINT16"] = cell => cell.ValueKind == JsonValueKind.Number && cell.TryGetUInt16(out _),
        ["UINT32"] = cell => cell.ValueKind == JsonValueKind.Number && cell.TryGetUInt32(out _),
        ["UINT64"] = cell => cell.ValueKind == JsonValueKind.Number && cell.TryGetUInt64(out _),
        ["FP16"] = cell => cell.ValueKind == JsonValueKind.Number,
        ["FP32"] = cell => cell.ValueKind == JsonValueKind.Number,
        ["FP64"] = cell => cell.ValueKind == JsonValueKind.Number,
        ["BYTES"] = cell => cell.ValueKind == JsonValueKind.String,
    };

    /// <summary>Codecs that leave elements as they stand in JSON.</summary>
    private static readonly string[] ContentTypes = ["pd", "np", "str", "datetime"];

    /// <summary>Rows: elements of the first dimension.</summary>
    public long Rows => Shape[0];

    /// <summary>Elements of a row.</summary>
    public long Width => Shape.Count > 1 ? Shape[1] : 1;

    /// <summary>Null when one of its keys is wrong: the reader has the problem.</summary>
    public static Tensor? Read(JsonReader input)
    {
        var (name, datatype, data) = (input.Text("name"), input.Text("datatype"), input.Items("data"));
        var shape = ReadShape(input);
        ReadParameters(input);
        foreach (var (key, missing) in new[] { ("name", name is null), ("datatype", datatype is null), ("data", data is null), ("shape", shape is null) })
        {
            if (missing && input.Take(key) is null)
            {
                input.Problem(key, "is missing.");
            }
        }
        if (name is null || datatype is null || data is null || shape is null)
        {
            return null;
        }
        if (!Datatypes.TryGetValue(datatype, out var isOfType))
        {
            input.Problem("datatype", $"is '{datatype}'; it must be one of {string.Join(", ", Datatypes.Keys)}.");
            return null;
        }
        var cells = new List<JsonElement>();
        if (!Flatten(data, shape, cells))
        {
            input.Problem("data", $"does not have the elements of shape [{string.Join(", ", shape)}], flat or nested row after row.");
            return null;
        }
        if (cells.FindIndex(cell => cell.ValueKind != JsonValueKind.Null && !isOfType(cell)) is >= 0 and var wrong)
        {
            input.Problem("data", $"has an element that is no {datatype}: number {wrong + 1}, {Shown(cells[wrong])}.");
            return null;
        }
        return new Tensor(name, shape, cells);
    }

    /// <summary>A caller may say how elements are to be read, where that is as they stand. Other parameters are hints to servers that know them.</summary>
    public static void ReadParameters(JsonReader of) => of.Object("parameters", parameters =>
    {
        var contentType = parameters.Text("content_type");
        if (contentType is not null && !ContentTypes.Contains(contentType))
        {
            parameters.Problem("content_type", $"is '{contentType}'; it must be one of {string.Join(", ", ContentTypes)}.");
        }
        return parameters;
    });

    private static long[]? ReadShape(JsonReader input)
    {
        if (input.Items("shape") is not { } items)
        {
            return null;
        }
        var shape = items.Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt64(out var size) && size >= 0 ? size : -1).ToArray();
        if (shape.Length is >= 1 and <= MostRank && !shape.Contains(-1))
        {
            return shape;
        }
        input.Problem("shape", "must have one or two whole numbers: rows, and cells of a row.");
        return null;
    }

    /// <summary>False when there are more or fewer elements than the shape says, or they are nested in another way.</summary>
    private static bool Flatten(IReadOnlyList<JsonElement> data, IReadOnlyList<long> shape, List<JsonElement> cells)
    {
        var isNested = data.Count > 0 && data[0].ValueKind == JsonValueKind.Array;
        if (!isNested)
        {
            cells.AddRange(data);
            return data.All(item => item.ValueKind is not (JsonValueKind.Array or JsonValueKind.Object))
                && (UInt128)(ulong)data.Count == (UInt128)(ulong)shape[0] * (ulong)(shape.Count > 1 ? shape[1] : 1);
        }
        return shape.Count > 1 && data.Count == shape[0]
            && data.All(row => row.ValueKind == JsonValueKind.Array && Flatten([.. row.EnumerateArray()], [shape[1]], cells));
    }

    private static string Shown(JsonElement cell)
    {
        const int Longest = 60;
        var text = cell.GetRawText();
        return text.Length <= Longest ? text : string.Concat(text.AsSpan(0, Longest), "…");
    }
}
