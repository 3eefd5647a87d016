using System.ComponentModel;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Serving.Monitoring;

namespace MlOps.Web;

/// <summary>What checks of a model's live rows found.</summary>
public static class LiveDriftApi
{
    private const string WindowWords = "The id of a window, as GET /models/{name}/monitoring lists it; left out: the newest.";

    /// <summary>Checks, newest first.</summary>
    public static async Task<IResult> ListAsync(
        string name,
        [Description(PageQuery.TakeWords)] string? take,
        [Description(PageQuery.NextWords)] string? next,
        ModelRegistry registry,
        LiveDriftStore checks,
        CancellationToken cancel)
    {
        var query = PageQuery.Of(take, next);
        if (await ModelsApi.FindAsync(name, registry, cancel) is null)
        {
            return ModelsApi.Unknown(name);
        }
        var page = await checks.ListAsync(name, query.Take, query.Next, cancel);
        return TypedResults.Ok(new MonitoringHistory(name, [.. page.Items.Select(MonitoredWindow.Of)], page.Next));
    }

    public static async Task<IResult> GetAsync(
        string name, [Description(WindowWords)] string? window, ModelRegistry registry, LiveDriftStore checks, CancellationToken cancel)
    {
        if (await ModelsApi.FindAsync(name, registry, cancel) is null)
        {
            return ModelsApi.Unknown(name);
        }
        if (window is null)
        {
            return await checks.FindNewestAsync(name, cancel) is { } newest ? TypedResults.Ok(newest) : NotChecked(name);
        }
        return LiveDriftStore.ReadTime(window) is { } until && await checks.FindAsync(name, until, cancel) is { } check
            ? TypedResults.Ok(check)
            : NoWindow(name, window);
    }

    public static async Task<IResult> GetPageAsync(
        string name, [Description(WindowWords)] string? window, ModelRegistry registry, LiveDriftStore checks, CancellationToken cancel)
    {
        if (await ModelsApi.FindAsync(name, registry, cancel) is null)
        {
            return ModelsApi.Unknown(name);
        }
        if (window is null)
        {
            return await checks.FindNewestPageAsync(name, cancel) is { } newest ? Page(newest) : NotChecked(name);
        }
        return LiveDriftStore.ReadTime(window) is { } until && await checks.FindPageAsync(name, until, cancel) is { } page
            ? Page(page)
            : NoWindow(name, window);
    }

    private static IResult Page(BinaryData page) => TypedResults.Bytes(page.ToMemory(), ContentTypes.Of(".html"));

    private static IResult NoWindow(string name, string window) => HttpProblems.NotFound(
        $"Model '{name}' has no checked window '{window}'. GET {Links.Model(name)}/monitoring lists those that are kept.");

    private static IResult NotChecked(string name) => HttpProblems.NotFound(
        $"Live rows of model '{name}' have not been checked yet. A check comes when its production version has predicted monitor.minRows rows and "
            + $"monitor.every has passed, or monitor.rows rows where that is set; GET {Links.Pipeline(name)} shows them.");
}

/// <summary>The checked windows of a model, newest first.</summary>
/// <param name="Model">The model.</param>
/// <param name="Windows">This page of them.</param>
/// <param name="Next">Where the list goes on; left out at its end.</param>
public sealed record MonitoringHistory(string Model, IReadOnlyList<MonitoredWindow> Windows, string? Next);

/// <summary>A checked window.</summary>
/// <param name="Id">Names it: <c>GET /models/{name}/drift?window=</c>.</param>
/// <param name="Version">The version whose rows they are.</param>
/// <param name="From">The first time whose rows were taken in.</param>
/// <param name="Until">Its end.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Signals">What every signal says of it.</param>
/// <param name="RunId">The run that was started for it; left out where none was.</param>
/// <param name="RunProblem">Why no run could be started.</param>
/// <param name="Links">More of it, by name.</param>
public sealed record MonitoredWindow(
    string Id, int Version, DateTimeOffset From, DateTimeOffset Until, long Rows, IReadOnlyList<WindowSignal> Signals, string? RunId, string? RunProblem,
    IReadOnlyDictionary<string, string> Links)
{
    internal static MonitoredWindow Of(LiveDriftCheck check)
    {
        var (id, drift) = (LiveDriftStore.WriteTime(check.Until), Views.Links.Model(check.Model) + "/drift");
        return new MonitoredWindow(
            id, check.Version, check.From, check.Until, check.Rows, SignalsOf(check), check.RunId, check.RunProblem,
            new Dictionary<string, string> { ["check"] = $"{drift}?window={id}", ["page"] = $"{drift}/page?window={id}" });
    }

    /// <summary>A check of an earlier release knew of feature drift alone.</summary>
    private static IReadOnlyList<WindowSignal> SignalsOf(LiveDriftCheck check) => check.Signals.Count > 0
        ? [.. check.Signals.Select(WindowSignal.Of)]
        :
        [
            new WindowSignal(
                SignalNames.FeatureDrift, check.Drifted ? SignalVerdict.Warning : SignalVerdict.Ok,
                check.Report.Comparisons is [var compared, ..] ? compared.Share : null, null, check.Report.DriftShare,
                check.Reasons is [var reason, ..] ? reason : "No drift."),
        ];
}

/// <summary>A signal of a window.</summary>
/// <param name="Signal">Its name.</param>
/// <param name="Verdict">What it says.</param>
/// <param name="Value">Its value; left out where nothing was measured.</param>
/// <param name="Reference">What it was when the version was made; left out where that means nothing.</param>
/// <param name="Threshold">From where on it is a warning; left out where it is only recorded.</param>
/// <param name="Text">What was found, or why nothing is said.</param>
public sealed record WindowSignal(string Signal, SignalVerdict Verdict, double? Value, double? Reference, double? Threshold, string Text)
{
    internal static WindowSignal Of(SignalResult result) => new(
        result.Signal, result.Verdict, result.Value, result.Reference, result.Threshold, result.Text);
}
