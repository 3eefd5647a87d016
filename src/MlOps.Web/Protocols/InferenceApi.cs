using System.Globalization;
using System.Reflection;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Serving.Predictions;

namespace MlOps.Web.Protocols;

/// <summary>
/// The routes of the Open Inference Protocol, version 2 (https://github.com/kserve/open-inference-protocol): production versions by a model's name, others
/// by number.
/// </summary>
public static class InferenceApi
{
    private const string Platform = "mlnet";

    public static IResult GetServer() => TypedResults.Ok(new InferenceServer(
        "MlOps.Functions", typeof(InferenceApi).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown", []));

    public static IResult GetLive() => TypedResults.Ok(new InferenceLive(true));

    public static Task<IResult> GetModelAsync(string model, ScoringService scoring, CancellationToken cancel) =>
        DescribeAsync(model, version: null, scoring, cancel);

    public static Task<IResult> GetVersionAsync(string model, string version, ScoringService scoring, CancellationToken cancel) =>
        DescribeAsync(model, version, scoring, cancel);

    public static Task<IResult> GetModelReadyAsync(string model, ScoringService scoring, CancellationToken cancel) =>
        ReadyAsync(model, version: null, scoring, cancel);

    public static Task<IResult> GetVersionReadyAsync(string model, string version, ScoringService scoring, CancellationToken cancel) =>
        ReadyAsync(model, version, scoring, cancel);

    public static Task<IResult> InferAsync(string model, HttpRequest request, ScoringService scoring, InputLimits limits, CancellationToken cancel) =>
        InferAsync((model, null), request, scoring, limits, cancel);

    public static Task<IResult> InferVersionAsync(
        string model, string version, HttpRequest request, ScoringService scoring, InputLimits limits, CancellationToken cancel) =>
        InferAsync((model, version), request, scoring, limits, cancel);

    private static async Task<IResult> DescribeAsync(string model, string? version, ScoringService scoring, CancellationToken cancel)
    {
        var result = await FindAsync(model, version, scoring, cancel);
        if (result is not PredictionResult.Predicted known)
        {
            return PredictionProblems.Of(result);
        }
        var versions = version is null ? await scoring.VersionsAsync(model, cancel) : [known.Version];
        return TypedResults.Ok(new InferenceModel(
            known.Model, [.. versions.Select(number => number.ToString(CultureInfo.InvariantCulture))], Platform,
            [.. known.Contract.Signature.Inputs.Select(InferenceAnswer.DescribeInput)], InferenceAnswer.Describe(TargetValues.Of(known))));
    }

    private static async Task<IResult> ReadyAsync(string model, string? version, ScoringService scoring, CancellationToken cancel)
    {
        var result = await FindAsync(model, version, scoring, cancel);
        return result is PredictionResult.Predicted ? TypedResults.Ok(new InferenceReady(model, true)) : PredictionProblems.Of(result);
    }

    private static async Task<IResult> InferAsync(
        (string Name, string? Version) model, HttpRequest request, ScoringService scoring, InputLimits limits, CancellationToken cancel)
    {
        using var body = await JsonBody.ReadAsync(request, limits, cancel)
            ?? throw new BadHttpRequestException("The body is empty. Send {\"inputs\": [{\"name\", \"datatype\", \"shape\", \"data\"}, …]}.");
        var asked = JsonBody.Read(body.RootElement, Inference.Read);
        var known = await FindAsync(model.Name, model.Version, scoring, cancel);
        if (known is not PredictionResult.Predicted described)
        {
            return PredictionProblems.Of(known);
        }
        using var rows = new RowsBuilder();
        asked.Add(rows, described.Contract);
        var result = await scoring.ScoreAsync(described.Model, model.Version is null ? null : described.Version, rows.Build(), cancel);
        if (result is not PredictionResult.Predicted predicted)
        {
            return PredictionProblems.Of(result);
        }
        PredictionHeaders.Tell(request.HttpContext, predicted);
        return TypedResults.Bytes(InferenceAnswer.Write(predicted, asked), "application/json");
    }

    /// <summary>A version as a protocol of texts gives it; a text that is no number is none of the model's versions.</summary>
    private static Task<PredictionResult> FindAsync(string model, string? version, ScoringService scoring, CancellationToken cancel) => scoring.DescribeAsync(
        model,
        version is null ? null : int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0,
        cancel);
}

/// <param name="Name">Who answers.</param>
/// <param name="Version">Of this host.</param>
/// <param name="Extensions">None.</param>
public sealed record InferenceServer(string Name, string Version, IReadOnlyList<string> Extensions);

/// <param name="Live">True.</param>
public sealed record InferenceLive(bool Live);

/// <param name="Name">The model; left out where the whole server was asked.</param>
/// <param name="Ready">True; who is not ready answers 503.</param>
public sealed record InferenceReady(string? Name, bool Ready);
