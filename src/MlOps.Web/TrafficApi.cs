using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Feedback;

namespace MlOps.Web;

/// <summary>Between which versions a model's requests are shared out.</summary>
public static class TrafficApi
{
    private const int LongestReason = 2000;

    public static async Task<IResult> GetAsync(string name, ModelRegistry registry, CancellationToken cancel) =>
        await ModelsApi.FindAsync(name, registry, cancel) is { } model ? TypedResults.Ok(TrafficView.Of(model)) : ModelsApi.Unknown(name);

    /// <summary>How the versions have done since traffic was split. Reads the prediction log of that time.</summary>
    public static async Task<IResult> CompareAsync(string name, ModelRegistry registry, TrafficComparer comparer, CancellationToken cancel)
    {
        if (await ModelsApi.FindAsync(name, registry, cancel) is not { } model)
        {
            return ModelsApi.Unknown(name);
        }
        return model.Traffic is { } split
            ? TypedResults.Ok(await comparer.CompareAsync(name, split, cancel))
            : HttpProblems.Conflict(
                $"Production answers all requests of model '{name}', so there is nothing to compare. PUT {Links.Model(name)}/traffic splits them.");
    }

    /// <summary>Shares requests out from now on; hosts follow within a second.</summary>
    public static async Task<IResult> PutAsync(
        string name, HttpRequest request, ModelRegistry registry, ModelTraffic traffic, InputLimits limits, CancellationToken cancel)
    {
        var wish = await JsonBody.ReadAsync(request, limits, Read, cancel);
        if (await ModelsApi.FindAsync(name, registry, cancel) is not { } before)
        {
            return ModelsApi.Unknown(name);
        }
        var model = await traffic.SplitAsync(name, wish!, cancel);
        Auditing.Tell(request.HttpContext, TextOf(before), TextOf(model));
        return TypedResults.Ok(TrafficView.Of(model));
    }

    /// <summary>Lets production answer everything again.</summary>
    public static async Task<IResult> DeleteAsync(string name, HttpContext http, ModelRegistry registry, ModelTraffic traffic, CancellationToken cancel)
    {
        if (await ModelsApi.FindAsync(name, registry, cancel) is not { } before)
        {
            return ModelsApi.Unknown(name);
        }
        var model = await traffic.EndAsync(name, split: null, cancel);
        Auditing.Tell(http, TextOf(before), TextOf(model));
        return TypedResults.Ok(TrafficView.Of(model));
    }

    /// <summary>Starts a run that brings a version into production step by step.</summary>
    public static async Task<IResult> StartCanaryAsync(
        string name, HttpRequest request, ModelRegistry registry, CanaryStarter canaries, InputLimits limits, CancellationToken cancel)
    {
        var (version, wish) = await JsonBody.ReadAsync(request, limits, ReadCanary, cancel);
        if (await ModelsApi.FindAsync(name, registry, cancel) is not { } model)
        {
            return ModelsApi.Unknown(name);
        }
        var run = await canaries.StartAsync(name, version, wish, RunTriggers.Http, cancel);
        Auditing.Tell(request.HttpContext, TextOf(model), $"canary of version {version.ToString(CultureInfo.InvariantCulture)}, run {run.RunId}");
        return TypedResults.Accepted(Links.Run(run.RunId), RunView.Of(run));
    }

    private static (int Version, CanaryWish Wish) ReadCanary(JsonReader body)
    {
        var version = (int)(body.Integer("version", 1, int.MaxValue) ?? 0);
        if (body.Take("version") is null)
        {
            body.Problem("version", "is missing: send {\"version\": 4}.");
        }
        return (version, new CanaryWish(ReadSteps(body), ReadSpan(body, "hold"), ReadSpan(body, "patience")));
    }

    private static List<int>? ReadSteps(JsonReader body)
    {
        if (body.Take("steps") is not { } steps)
        {
            return null;
        }
        var percents = new List<int>();
        if (steps.ValueKind == JsonValueKind.Array && steps.GetArrayLength() is > 0 and <= CanaryPlan.MostSteps)
        {
            percents.AddRange(steps.EnumerateArray().Select(step => step.ValueKind == JsonValueKind.Number && step.TryGetInt32(out var percent) ? percent : 0));
        }
        if (percents.Count == 0 || percents.Any(percent => percent is < 1 or > 99))
        {
            body.Problem("steps", "must be percents from 1 to 99 that rise, ten at most, such as [5, 25].");
        }
        return percents;
    }

    private static TimeSpan? ReadSpan(JsonReader body, string key) => body.Span(
        key, span => span >= TrafficRules.LeastHold && span <= TrafficRules.MostHold, $"a time span from {TrafficRules.LeastHold} to {TrafficRules.MostHold}");

    private static string TextOf(RegisteredModel model) => model.Traffic?.ToString() ?? "all to production";

    private static TrafficWish Read(JsonReader body)
    {
        var percents = new Dictionary<int, int>();
        if (body.Take("weights") is { } weights && weights.ValueKind != JsonValueKind.Object)
        {
            body.Problem("weights", "must be an object of versions with their percents, such as {\"3\": 90, \"4\": 10}.");
        }
        else
        {
            body.Object("weights", shares =>
            {
                foreach (var (version, percent) in shares.TakeAll())
                {
                    if (!int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1)
                    {
                        shares.Problem(version, "must be a version's number.");
                    }
                    else if (percent.ValueKind != JsonValueKind.Number || !percent.TryGetInt32(out var share) || share is < 0 or > 100)
                    {
                        shares.Problem(version, "must be a whole number of percents, 0 to 100.");
                    }
                    else if (!percents.TryAdd(number, share))
                    {
                        shares.Problem(version, "is given twice.");
                    }
                }
                return percents;
            });
        }
        var shadow = (int?)body.Integer("shadow", 1, int.MaxValue);
        if (body.Take("weights") is null && body.Take("shadow") is null)
        {
            body.Problem("weights", "is missing: send {\"weights\": {\"3\": 90, \"4\": 10}}, or {\"shadow\": 4}.");
        }
        var reason = body.Text("reason")?.Trim();
        if (reason?.Length is 0 or > LongestReason)
        {
            body.Problem("reason", $"must have 1 to {LongestReason} characters; leave it out or say something.");
        }
        return new TrafficWish(percents, shadow, reason ?? "set over HTTP");
    }
}

/// <summary>The body of <c>PUT /models/{name}/traffic</c>.</summary>
/// <param name="Weights">Version to whole percents, together 100, the version in production among them; left out: production answers all.</param>
/// <param name="Shadow">A version that is asked too, and whose answers are only logged.</param>
/// <param name="Reason">Why; shown with the split.</param>
public sealed record TrafficRequest(IReadOnlyDictionary<string, int>? Weights, int? Shadow, string? Reason);

/// <summary>The body of <c>POST /models/{name}/canary</c>; what is left out is as the definition says.</summary>
/// <param name="Version">The version that is to go into production.</param>
/// <param name="Steps">Its share of the requests in percent, step by step, 1 to 99, rising.</param>
/// <param name="Hold">How long each step lasts, such as <c>01:00:00</c>.</param>
/// <param name="Patience">How long a step may last while what must be shown is not shown yet.</param>
public sealed record CanaryRequest(int Version, IReadOnlyList<int>? Steps, TimeSpan? Hold, TimeSpan? Patience);

/// <summary>Who answers a model's requests.</summary>
/// <param name="Model">The model.</param>
/// <param name="Production">The version in production; left out while there is none.</param>
/// <param name="Weights">Version to percent.</param>
public sealed record TrafficView(string Model, int? Production, IReadOnlyDictionary<string, int> Weights)
{
    /// <summary>The version that is asked too, and whose answers are only logged.</summary>
    public int? Shadow { get; init; }

    /// <summary>Since when; left out while production answers all.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Why.</summary>
    public string? Reason { get; init; }

    internal static TrafficView Of(RegisteredModel model) => model.Traffic is { } split
        ? new TrafficView(model.Model, model.Production, split.Shares.ToDictionary(share => Text(share.Version), share => share.Percent))
        {
            Shadow = split.Shadow,
            Since = split.Since,
            Reason = split.Reason,
        }
        : new TrafficView(
            model.Model, model.Production, model.Production is { } production ? new Dictionary<string, int> { [Text(production)] = 100 } : []);

    private static string Text(int version) => version.ToString(CultureInfo.InvariantCulture);
}
