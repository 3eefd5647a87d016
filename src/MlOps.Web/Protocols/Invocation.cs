using System.Text.Json;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;

namespace MlOps.Web.Protocols;

/// <summary>How a JSON body of MLflow's scoring gives its rows.</summary>
internal enum InvocationFormat
{
    DataframeSplit,
    DataframeRecords,
    Instances,
    Inputs,
}

/// <summary>A JSON body of MLflow's scoring.</summary>
/// <param name="Format">How it gives its rows.</param>
/// <param name="Data">What stands there.</param>
/// <param name="WantsProbabilities">Whether the probability of each class is asked for in place of the predicted one.</param>
internal sealed record Invocation(InvocationFormat Format, JsonElement Data, bool WantsProbabilities)
{
    private const string MethodParam = "predict_method";

    private static readonly (string Name, InvocationFormat Format)[] Formats =
    [
        ("dataframe_split", InvocationFormat.DataframeSplit), ("dataframe_records", InvocationFormat.DataframeRecords),
        ("instances", InvocationFormat.Instances), ("inputs", InvocationFormat.Inputs),
    ];

    private static readonly string Wanted =
        $"The body must be a JSON object with exactly one of {string.Join(", ", Formats.Select(format => format.Name))}, and may have 'params'.";

    /// <summary>Keys besides, and params that are not known, are ignored, as MLflow does.</summary>
    /// <exception cref="BadHttpRequestException">It is no such body.</exception>
    /// <exception cref="InputException">A known param has no value that it may have.</exception>
    public static Invocation Read(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            throw new BadHttpRequestException(Wanted);
        }
        var given = Formats.Where(format => body.TryGetProperty(format.Name, out _)).ToList();
        if (given.Count != 1)
        {
            throw new BadHttpRequestException($"{Wanted} It has {(given.Count == 0 ? "none" : string.Join(" and ", given.Select(format => format.Name)))}.");
        }
        return new Invocation(given[0].Format, body.GetProperty(given[0].Name), ReadMethod(body));
    }

    private static bool ReadMethod(JsonElement body)
    {
        if (!body.TryGetProperty("params", out var parameters) || parameters.ValueKind == JsonValueKind.Null)
        {
            return false;
        }
        if (parameters.ValueKind != JsonValueKind.Object)
        {
            throw new InputException("params must be an object.");
        }
        if (!parameters.TryGetProperty(MethodParam, out var method))
        {
            return false;
        }
        return (method.ValueKind == JsonValueKind.String ? method.GetString() : null) switch
        {
            "predict" => false,
            "predict_proba" => true,
            _ => throw new InputException($"The param {MethodParam} must be \"predict\" or \"predict_proba\"."),
        };
    }
}
