using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Triggers;

namespace MlOps.Web.Dashboard;

/// <summary>A model in a line.</summary>
/// <param name="Model">Its name.</param>
/// <param name="Production">The version that serves; null: none.</param>
/// <param name="Latest">The newest version; null: none is registered.</param>
/// <param name="Traffic">How its requests are shared out, in words; null: production answers all.</param>
/// <param name="Warnings">The signals that the last look at live rows warns of; null: nobody has looked yet.</param>
/// <param name="Checked">When that was.</param>
/// <param name="LastRun">Its newest run; null: there is none.</param>
/// <param name="NextRun">When its schedule starts the next run; null: it has none.</param>
public sealed record ModelLine(
    string Model, int? Production, int? Latest, string? Traffic, IReadOnlyList<string>? Warnings, DateTimeOffset? Checked, RunView? LastRun,
    DateTimeOffset? NextRun)
{
    /// <summary>Whether it has a definition, of which runs can be started.</summary>
    public bool IsDeclared { get; init; }
}

/// <summary>Something that a person should look at.</summary>
/// <param name="What">What it is: <c>waiting</c>, <c>failed</c>, <c>blocked</c> or <c>warning</c>.</param>
/// <param name="Title">In a few words.</param>
/// <param name="Why">In full.</param>
/// <param name="Url">Where it is.</param>
/// <param name="At">Since when.</param>
public sealed record Attention(string What, string Title, string? Why, string Url, DateTimeOffset At);

/// <summary>What the overview shows.</summary>
/// <param name="Attention">What needs a person, the oldest approval first.</param>
/// <param name="Models">A page of the models, by name.</param>
/// <param name="Recent">The newest runs.</param>
/// <param name="Next">Where the models go on; null at the end.</param>
public sealed record OverviewData(IReadOnlyList<Attention> Attention, IReadOnlyList<ModelLine> Models, IReadOnlyList<RunView> Recent, string? Next);

/// <summary>Reads what the overview and the list of models show, a page at a time: how many models there are changes nothing about what a page costs.</summary>
public sealed class ModelOverview(
    ModelRegistry registry, DefinitionStore definitions, RunStore runs, LiveDriftStore drift, TimeProvider time)
{
    private const int ReadAtOnce = 8;
    private const int MostUnfinished = 200;

    /// <summary>Longer ago it has been seen.</summary>
    private static readonly TimeSpan TellFor = TimeSpan.FromDays(7);

    /// <summary>Models that have a definition or a registered version, by name.</summary>
    public async Task<ListPage<ModelLine>> ListAsync(int take, string? next, CancellationToken cancel)
    {
        var page = await ListNamesAsync(take, next, cancel);
        var lines = new List<ModelLine>();
        foreach (var some in page.Items.Chunk(ReadAtOnce))
        {
            lines.AddRange(await Task.WhenAll(some.Select(model => LineOfAsync(model.Name, model.Registered, cancel))));
        }
        return new ListPage<ModelLine>(lines, page.Next);
    }

    /// <summary>The same models, and no more of them than whether a version is registered.</summary>
    public async Task<ListPage<(string Name, RegisteredModel? Registered)>> ListNamesAsync(int take, string? next, CancellationToken cancel)
    {
        // Each list has them by name, and goes on after a name.
        var registered = await registry.ListAsync(take, next, cancel);
        var declared = await definitions.ListAsync(take, next, cancel);
        var names = registered.Items.Select(model => model.Model).Union(declared.Items, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        var page = names.Take(take).ToList();
        var hasMore = names.Count > take || registered.Next is not null || declared.Next is not null;
        var known = registered.Items.ToDictionary(model => model.Model, StringComparer.Ordinal);
        return new ListPage<(string, RegisteredModel?)>(
            [.. page.Select(name => (name, known.GetValueOrDefault(name)))], hasMore ? PageToken.Write(page[^1]) : null);
    }

    /// <summary>One model.</summary>
    public async Task<ModelLine> LineOfAsync(string name, RegisteredModel? model, CancellationToken cancel)
    {
        var check = model?.Production is null ? null : await drift.FindNewestAsync(name, cancel);
        var definition = await definitions.FindAsync(name, cancel);
        var newest = await runs.ListAsync(name, take: 1, cancel);
        return new ModelLine(
            name, model?.Production, model?.LatestVersion, model?.Traffic?.ToString(), check is null ? null : WarningsOf(check), check?.Until,
            newest is [var run] ? RunView.Of(run) : null,
            definition?.RunOn.Schedule is { } schedule ? ScheduleTimes.NextAfter(schedule, time.GetUtcNow()) : null)
        {
            IsDeclared = definition is not null,
        };
    }

    /// <summary>What needs a person: runs that wait, newest runs that came to nothing, models of which a signal warns.</summary>
    /// <param name="models">The models that are shown.</param>
    /// <param name="recent">The newest runs.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<IReadOnlyList<Attention>> FindAttentionAsync(
        IReadOnlyList<ModelLine> models, IReadOnlyList<Run> recent, CancellationToken cancel)
    {
        var found = new List<Attention>();
        found.AddRange((await ReadUnfinishedAsync(cancel)).Where(run => run.State == RunState.Waiting && run.Goal == RunGoal.Model)
            .Select(run => new Attention("waiting", $"{run.Model}: a version waits for approval", null, Page(run), run.Created)));
        var since = time.GetUtcNow() - TellFor;
        // What a later run of the same model has done better needs nobody any more.
        found.AddRange(recent.Where(run => run.Goal != RunGoal.Dataset).GroupBy(run => run.Model).Select(group => group.First())
            .Where(run => run.State is RunState.Failed or RunState.Blocked && run.Created >= since)
            .Select(run => new Attention(
                Show.Word(run.State), $"{run.Model}: the last run {(run.State == RunState.Failed ? "failed" : "promoted nothing")}",
                run.Error ?? (run.BlockedBy is [var first, ..] ? first : null), Page(run), run.Ended ?? run.Created)));
        found.AddRange(models.Where(model => model.Warnings is { Count: > 0 }).Select(model => new Attention(
            "warning", $"{model.Model}: {string.Join(", ", model.Warnings!)}", null, ModelPages.Monitoring(model.Model), model.Checked ?? since)));
        return found;
    }

    private static IReadOnlyList<string> WarningsOf(LiveDriftCheck check) =>
    [
        .. MonitoredWindow.Of(check).Signals.Where(signal => signal.Verdict == SignalVerdict.Warning).Select(signal => SignalNames.Said(signal.Signal)),
    ];

    /// <summary>The list tells which runs they are; how they stand is told by each itself.</summary>
    private async Task<IReadOnlyList<Run>> ReadUnfinishedAsync(CancellationToken cancel)
    {
        var unfinished = new List<Run>();
        foreach (var some in (await runs.ListUnfinishedAsync(cancel)).Take(MostUnfinished).Chunk(ReadAtOnce))
        {
            unfinished.AddRange((await Task.WhenAll(some.Select(run => runs.FindAsync(run.RunId, cancel)))).OfType<Run>());
        }
        return unfinished;
    }

    private static string Page(Run run) => "/dashboard" + Links.Run(run.RunId);
}
