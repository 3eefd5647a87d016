using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;

namespace MlOps.Web.Dashboard;

/// <summary>Pages of runs.</summary>
public static class RunPagesApi
{
    private const int MostCompared = 10;

    public static async Task<IResult> ListAsync(HttpContext http, string? next, RunStore runs, RunCatalog catalog, CancellationToken cancel)
    {
        var query = RunQuery.Of(http.Request.Query);
        if (query.IsPlain)
        {
            var page = await runs.ListAsync(query.Model, PageQuery.Default, next, cancel);
            return await ShowAsync(http, new RunLines(query, [.. page.Items.Select(RunView.Of)], page.Next, Skipped: null, Count: null));
        }
        var (found, hasMore, count) = await catalog.FindAsync(query, PageQuery.Default, cancel);
        return await ShowAsync(
            http, new RunLines(query, [.. found.Select(RunView.Of)], Next: null, hasMore ? query.Skip + PageQuery.Default : null, count));
    }

    /// <param name="id">The run.</param>
    /// <param name="stage">Whose log is shown; null: that of the stage which tells most.</param>
    /// <param name="http">The request.</param>
    /// <param name="runs">Where runs are.</param>
    /// <param name="definitions">Where their definitions are.</param>
    /// <param name="pages">Where their logs and files are.</param>
    /// <param name="cancel">Stops it.</param>
    public static async Task<IResult> GetAsync(
        string id, string? stage, HttpContext http, RunStore runs, DefinitionStore definitions, [AsParameters] RunPageSources pages, CancellationToken cancel)
    {
        if (await FindAsync(id, runs, cancel) is not { } details)
        {
            return HttpProblems.NotFound($"There is no run '{id}'.");
        }
        var view = RunView.Of(details, await RunDefinitions.FindAsync(details.Run, definitions, cancel));
        return await PageAnswer.ShowAsync<RunPage, RunView>(http, view with
        {
            Log = await RunLogReader.FindAsync(view, stage, pages.Logs, cancel),
            LearningCurve = await LearningReader.FindAsync(details, pages.Artifacts, cancel),
            DroppedRows = await pages.FindDroppedRowsAsync(details.Run, cancel),
            Reproduction = http.RequestServices.GetService<IReproducer>() is { } reproducer
                ? new ShownReproduction(await reproducer.FindAsync(id, cancel))
                : null,
        });
    }

    public static async Task<IResult> CompareAsync(
        HttpContext http, [FromQuery] string[] run, RunStore runs, DataLog log, ArtifactStore artifacts, CancellationToken cancel)
    {
        if (run.Length is < 2 or > MostCompared)
        {
            return HttpProblems.BadRequest($"Choose 2 to {MostCompared} runs in the list of runs; {run.Length} are chosen.");
        }
        var found = new List<ComparedRun>();
        foreach (var id in run)
        {
            if (await FindAsync(id, runs, cancel) is not { } details)
            {
                return HttpProblems.NotFound($"There is no run '{id}'.");
            }
            var uses = await log.ListOfRunAsync(details.Run.Model, id, cancel);
            var view = RunView.Of(details, definition: null) with { LearningCurve = await LearningReader.FindAsync(details, artifacts, cancel) };
            found.Add(new ComparedRun(view, uses.FirstOrDefault(use => use.Stage == "raw")?.Id));
        }
        return await PageAnswer.ShowAsync<ComparePage, IReadOnlyList<ComparedRun>>(http, [.. found.OrderBy(one => one.Run.Created)]);
    }

    private static Task<IResult> ShowAsync(HttpContext http, RunLines lines) => PageAnswer.ShowAsync<RunListPage, RunLines>(http, lines);

    private static async Task<RunDetails?> FindAsync(string id, RunStore runs, CancellationToken cancel) =>
        Names.IsRun(id) ? await runs.FindDetailsAsync(id, cancel) : null;
}

/// <summary>What a run's page needs besides its records.</summary>
/// <param name="Logs">Logs of stages.</param>
/// <param name="Artifacts">Files.</param>
/// <param name="Log">Which dataset versions a run had.</param>
/// <param name="Datasets">Those versions.</param>
/// <param name="Storage">Where rows are that were dropped from them.</param>
public sealed record RunPageSources(StageLogs Logs, ArtifactStore Artifacts, DataLog Log, DatasetStore Datasets, PipelineStorage Storage)
{
    /// <summary>Null where the run has cleaned no table, or the table is gone.</summary>
    internal async Task<IReadOnlyList<DroppedRows>?> FindDroppedRowsAsync(Run run, CancellationToken cancel)
    {
        var uses = await Log.ListOfRunAsync(run.Model, run.RunId, cancel);
        var last = uses.FirstOrDefault(use => use.Stage == "clean") ?? uses.FirstOrDefault(use => use.Stage == "raw");
        return last is not null && await Datasets.FindAsync(last.Id, cancel) is { } manifest ? await DroppedRows.ReadAsync(Storage, manifest, cancel) : null;
    }
}

/// <param name="Run">The run.</param>
/// <param name="Raw">The raw dataset version that it read; null: it read none, or it is gone.</param>
public sealed record ComparedRun(RunView Run, string? Raw);

/// <summary>Runs that fit.</summary>
/// <param name="Query">What was asked for.</param>
/// <param name="Runs">This page of them.</param>
/// <param name="Next">Where a list by time goes on.</param>
/// <param name="Skipped">Where a filtered list goes on: how many come before.</param>
/// <param name="Count">How many fit in all; null where they were not counted.</param>
public sealed record RunLines(RunQuery Query, IReadOnlyList<RunView> Runs, string? Next, int? Skipped, int? Count);
