using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Feedback;
using MlOps.Serving.Monitoring;
using MlOps.Web.Access;

namespace MlOps.Web.Dashboard;

/// <summary>Pages of a model and its versions.</summary>
public static class ModelPagesApi
{
    private const int WindowsShown = 48;

    public static async Task<IResult> GetAsync(string name, HttpContext http, ModelReader reader, CancellationToken cancel)
    {
        if (!Names.IsModel(name) || await reader.FindAsync(name, http.User.IsInRole(Callers.NameOf(RouteRole.Admin)), cancel) is not { } data)
        {
            return HttpProblems.NotFound($"There is no model '{name}'.");
        }
        return await PageAnswer.ShowAsync<ModelPage, ModelData>(http, data);
    }

    public static async Task<IResult> GetVersionAsync(string name, string version, HttpContext http, ModelReader reader, CancellationToken cancel)
    {
        if (!Names.IsModel(name) || Names.Version(version) is not { } number || await reader.FindVersionAsync(name, number, cancel) is not { } data)
        {
            return HttpProblems.NotFound($"Model '{name}' has no version '{version}'.");
        }
        return await PageAnswer.ShowAsync<VersionPage, VersionData>(http, data);
    }

    /// <summary>
    /// How the versions that share a model's requests have done: reads the prediction log of that time, so that it is a page of its own, and still.
    /// </summary>
    public static async Task<IResult> GetTrafficAsync(
        string name, HttpContext http, ModelRegistry registry, TrafficComparer comparer, CancellationToken cancel)
    {
        if (!Names.IsModel(name) || await registry.FindAsync(name, cancel) is not { } model)
        {
            return HttpProblems.NotFound($"There is no model '{name}'.");
        }
        var comparison = model.Traffic is { } split ? await comparer.CompareAsync(name, split, cancel) : null;
        return await PageAnswer.ShowAsync<TrafficPage, TrafficData>(http, new TrafficData(name, model.Traffic, comparison));
    }

    /// <summary>What was seen of a model window by window.</summary>
    public static async Task<IResult> GetMonitoringAsync(
        string name, HttpContext http, string? next, ModelRegistry registry, LiveDriftStore checks, CancellationToken cancel)
    {
        if (!Names.IsModel(name) || await registry.FindAsync(name, cancel) is null)
        {
            return HttpProblems.NotFound($"There is no model '{name}'.");
        }
        var page = await checks.ListAsync(name, WindowsShown, next, cancel);
        return await PageAnswer.ShowAsync<MonitoringPage, MonitoringHistory>(
            http, new MonitoringHistory(name, [.. page.Items.Select(MonitoredWindow.Of)], page.Next));
    }
}

/// <param name="Model">The model.</param>
/// <param name="Split">How its requests are shared out; null: production answers all.</param>
/// <param name="Comparison">How the versions have done since.</param>
public sealed record TrafficData(string Model, TrafficSplit? Split, TrafficComparison? Comparison);
