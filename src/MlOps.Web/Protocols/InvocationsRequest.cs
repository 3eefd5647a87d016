using System.Text.Json;
using System.Text.Json.Serialization;

namespace MlOps.Web.Protocols;

/// <summary>The body of <c>POST /invocations</c>: exactly one of the first four.</summary>
/// <param name="DataframeSplit">Names of columns and rows of cells.</param>
/// <param name="DataframeRecords">Rows: column names with their values.</param>
/// <param name="Instances">Rows as records, or as arrays in the order of the signature where every input is a number.</param>
/// <param name="Inputs">Arrays of cells by column, one row, or as instances.</param>
/// <param name="Params"><c>predict_method</c>: <c>predict</c>, or <c>predict_proba</c> for the probability of each class. Others are ignored.</param>
public sealed record InvocationsRequest(
    [property: JsonPropertyName("dataframe_split")] DataframeSplit? DataframeSplit,
    [property: JsonPropertyName("dataframe_records")] IReadOnlyList<IReadOnlyDictionary<string, JsonElement>>? DataframeRecords,
    [property: JsonPropertyName("instances")] IReadOnlyList<JsonElement>? Instances,
    [property: JsonPropertyName("inputs")] JsonElement? Inputs,
    [property: JsonPropertyName("params")] IReadOnlyDictionary<string, JsonElement>? Params)
{
    internal const string Example =
        """{ "dataframe_split": { "columns": ["trip_distance", "vendor_id"], "data": [[3.1, "CMT"], [0.8, "VTS"]] } }""";
}

/// <summary>A table as <c>DataFrame.to_dict(orient="split")</c> gives it; its index is ignored.</summary>
/// <param name="Columns">Names.</param>
/// <param name="Data">Rows of cells.</param>
public sealed record DataframeSplit(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<JsonElement>> Data);

/// <param name="Predictions">One a row: a number, a label, or with <c>predict_proba</c> the probability of each class.</param>
public sealed record InvocationsAnswer(IReadOnlyList<JsonElement> Predictions);
