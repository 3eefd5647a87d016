using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Serving.Lineage;

/// <summary>Follows a file, a dataset version, a run, a model version or an hour of predictions to both ends.</summary>
public sealed class LineageReader(
    RunStore runs, DataLog log, DataVersions versions, DatasetStore datasets, ModelRegistry registry, PipelineStorage storage, TimeProvider time)
{
    /// <summary>How many runs of a file or a dataset version are followed, the newest first.</summary>
    public const int MostRuns = 20;

    /// <summary>How many hours of predictions of a version, or that a dataset version was made of, are shown, the newest first.</summary>
    public const int MostHours = 48;

    /// <summary>How many runs that scored a table with a version are shown, the newest first.</summary>
    public const int MostScores = 10;

    /// <summary>How many dataset versions that were made of shown hours are looked at, the newest first.</summary>
    public const int MostMade = 10;

    private const string FromPredictions = "feedback";
    private const string ScoredWith = "scored with";
    private const string Predicted = "predicted";

    /// <summary>Farther than this nothing is counted or looked through.</summary>
    private const int MostLookedThrough = 1000;

    private readonly ServedHours served = new(registry, storage, time);

    /// <summary>The lineage of a run; null when there is none.</summary>
    public async Task<LineageGraph?> OfRunAsync(string runId, CancellationToken cancel) =>
        await runs.FindAsync(runId, cancel) is { } run ? await OfRunsAsync(new LineageDraft(), [run], cancel) : null;

    /// <summary>The lineage of a model version; null when there is none, or its run is gone.</summary>
    public async Task<LineageGraph?> OfVersionAsync(string model, int version, CancellationToken cancel) =>
        await registry.FindVersionAsync(model, version, cancel) is { } found ? await OfRunAsync(found.RunId, cancel) : null;

    /// <summary>The lineage of a dataset version: of the runs that had it; null when there is none.</summary>
    /// <exception cref="InputException">The name is of more than one.</exception>
    public async Task<LineageGraph?> OfDatasetAsync(string model, string name, CancellationToken cancel)
    {
        if (await versions.FindAsync(model, name, cancel) is not { } version)
        {
            return null;
        }
        var draft = new LineageDraft();
        var uses = await log.ListRunsAsync(model, version.Id, cancel);
        var found = uses.Select(use => use.RunId).Distinct().OrderByDescending(id => id, StringComparer.Ordinal).ToList();
        var node = draft.Dataset(version.Model, version.Stage, version.Id, version.Rows);
        if (found.Count == 0)
        {
            // It comes from predictions, or its runs are gone.
            AddHours(draft, version.Model, node, await datasets.FindAsync(version.Id, cancel));
        }
        if (draft.More(node, "runs", found.Count - MostRuns) is { } more)
        {
            draft.Edge(node, more, "read");
        }
        return await OfRunsAsync(draft, await FindRunsAsync(found.Take(MostRuns), cancel), cancel);
    }

    /// <summary>The lineage of a raw file of a model: of the runs that read it; null when none did.</summary>
    public async Task<LineageGraph?> OfFileAsync(string model, string file, CancellationToken cancel)
    {
        var source = $"raw/{model}/{file}";
        var draft = new LineageDraft();
        var listed = await log.ListRunsOfFileAsync(model, source, MostLookedThrough, cancel);
        var found = await FindRunsAsync(listed.Take(MostRuns), cancel);
        if (found.Count == 0)
        {
            // No run could read it: what there is of it are runs that failed.
            found = [.. (await runs.ListAsync(model, MostLookedThrough, cancel)).Where(run => run.Source == source).Take(MostRuns)];
        }
        if (listed.Count > MostRuns)
        {
            var node = draft.Node(LineageKind.File, source, source);
            draft.Edge(node, draft.More(node, "runs", listed.Count - MostRuns, isLeast: listed.Count == MostLookedThrough)!, "read");
        }
        return await OfRunsAsync(draft, found, cancel);
    }

    /// <summary>
    /// The lineage of what was predicted in an hour: of the versions that were in production then, and of the dataset versions that were made of it; null when
    /// there were none.
    /// </summary>
    public async Task<LineageGraph?> OfHourAsync(string model, DateTimeOffset hour, CancellationToken cancel)
    {
        var draft = new LineageDraft();
        var (found, text) = (new List<Run>(), LineageDraft.HourText(hour));
        var made = await AddMadeAsync(draft, model, [text], cancel);
        var isKnown = made.Count > 0 || await served.IsLoggedAsync(model, hour, cancel);
        foreach (var number in await served.VersionsAsync(model, hour, cancel))
        {
            if (await registry.FindVersionAsync(model, number, cancel) is { } version && await runs.FindAsync(version.RunId, cancel) is { } run)
            {
                found.Add(run);
                if (isKnown)
                {
                    draft.Edge(draft.Version(model, number), draft.Hour(model, text), Predicted);
                }
            }
        }
        var trained = new List<string>();
        foreach (var version in made)
        {
            trained.AddRange((await log.ListRunsAsync(model, version, cancel)).Select(use => use.RunId));
        }
        var newest = trained.Except(found.Select(run => run.RunId)).OrderByDescending(id => id, StringComparer.Ordinal).ToList();
        if (newest.Count > MostRuns)
        {
            draft.Edge(draft.Hour(model, text), draft.More(draft.Hour(model, text), "runs on what was made of it", newest.Count - MostRuns)!, FromPredictions);
        }
        return await OfRunsAsync(draft, [.. found, .. await FindRunsAsync(newest.Take(MostRuns), cancel)], cancel);
    }

    private async Task<IReadOnlyList<Run>> FindRunsAsync(IEnumerable<string> ids, CancellationToken cancel)
    {
        var found = new List<Run>();
        foreach (var id in ids)
        {
            if (await runs.FindAsync(id, cancel) is { } run)
            {
                found.Add(run);
            }
        }
        return found;
    }

    /// <summary>What is drafted, with runs of one model and all that they lead to; null where there is nothing.</summary>
    private async Task<LineageGraph?> OfRunsAsync(LineageDraft draft, IReadOnlyList<Run> followed, CancellationToken cancel)
    {
        var hours = new HashSet<string>(StringComparer.Ordinal);
        foreach (var run in followed)
        {
            await AddRunAsync(draft, run, cancel);
            if (run.Goal == RunGoal.Model && await registry.FindVersionOfAsync(run.Model, run.RunId, cancel) is { } number)
            {
                draft.Edge(draft.Run(run.RunId), draft.Version(run.Model, number), "registered");
                await AddScoresAsync(draft, run.Model, number, cancel);
                hours.UnionWith(await AddPredictedAsync(draft, run.Model, number, cancel));
            }
        }
        if (hours.Count > 0)
        {
            await AddMadeAsync(draft, followed[0].Model, hours, cancel);
        }
        return draft.ToGraph();
    }

    private async Task AddRunAsync(LineageDraft draft, Run run, CancellationToken cancel)
    {
        var uses = await UsesAsync(run, cancel);
        var runNode = draft.Run(run.RunId);
        if (run is { Goal: RunGoal.Canary, Version: { } tried })
        {
            draft.Edge(draft.Version(run.Model, tried), runNode, "canary");
            return;
        }
        if (run is { Goal: RunGoal.Score, Version: { } scoring })
        {
            draft.Edge(draft.Version(run.Model, scoring), runNode, ScoredWith);
        }
        var fileNode = StoredSource.IdOf(run.Source) is null ? draft.Node(LineageKind.File, run.Source, run.Source) : null;
        foreach (var stage in DataEntry.Stages.Where(uses.ContainsValue))
        {
            var id = uses.Single(use => use.Value == stage).Key;
            var version = await datasets.FindAsync(id, cancel);
            var node = draft.Dataset(run.Model, stage, id, version?.Rows);
            // A scored table comes from its input by way of the run, as it comes from the version that scored too.
            foreach (var parent in stage == DataEntry.Score ? [] : await ParentsAsync(version, stage, uses, cancel))
            {
                draft.Edge(LineageDraft.Key(LineageKind.Dataset, $"{run.Model}@{parent}"), node, stage);
            }
            if (stage is "raw" or DataEntry.Input)
            {
                AddHours(draft, run.Model, node, version);
            }
            if (stage is "raw" or DataEntry.Input && fileNode is not null)
            {
                draft.Edge(fileNode, node, "ingest");
            }
            if (stage == DataEntry.Score)
            {
                draft.Edge(runNode, node, stage);
            }
            else if (stage is "train" or "validation" or "test" or DataEntry.Input || uses.Count == 1)
            {
                draft.Edge(node, runNode, stage);
            }
        }
    }

    /// <summary>
    /// The stages of a run's versions by their ids. Where none is listed, the model version knows: it was copied from another account without its rows.
    /// </summary>
    private async Task<Dictionary<string, string>> UsesAsync(Run run, CancellationToken cancel)
    {
        var listed = await log.ListOfRunAsync(run.Model, run.RunId, cancel);
        if (listed.Count == 0 && run is { Goal: RunGoal.Model, Version: { } number }
            && await registry.FindVersionAsync(run.Model, number, cancel) is { Lineage: var lineage })
        {
            return DataEntry.Stages.Where(stage => lineage.OfStage(stage) is not null).ToDictionary(stage => lineage.OfStage(stage)!, StringComparer.Ordinal);
        }
        return listed.ToDictionary(use => use.Id, use => use.Stage, StringComparer.Ordinal);
    }

    /// <summary>The hours that a raw version made of predictions comes from.</summary>
    private static void AddHours(LineageDraft draft, string model, string node, DatasetManifest? version)
    {
        var hours = HoursOf(version);
        foreach (var hour in hours.TakeLast(MostHours))
        {
            draft.Edge(draft.Hour(model, hour), node, FromPredictions);
        }
        if (draft.More(node, "hours", hours.Count - MostHours) is { } more)
        {
            draft.Edge(more, node, FromPredictions);
        }
    }

    private static IReadOnlyList<string> HoursOf(DatasetManifest? version) =>
        version?.Notes[DatasetNotes.Hours] is JsonArray hours ? [.. hours.Select(hour => hour!.GetValue<string>())] : [];

    /// <summary>The tables that were scored with a version, and what came of them.</summary>
    private async Task AddScoresAsync(LineageDraft draft, string model, int version, CancellationToken cancel)
    {
        var scores = await log.ListRunsScoredWithAsync(model, version, MostLookedThrough, cancel);
        foreach (var run in await FindRunsAsync(scores.Take(MostScores), cancel))
        {
            await AddRunAsync(draft, run, cancel);
        }
        var node = draft.Version(model, version);
        if (draft.More(node, "scoring runs", scores.Count - MostScores, isLeast: scores.Count == MostLookedThrough) is { } more)
        {
            draft.Edge(node, more, ScoredWith);
        }
    }

    /// <summary>The hours of logged predictions of a version.</summary>
    /// <returns>Those that are shown.</returns>
    private async Task<IEnumerable<string>> AddPredictedAsync(LineageDraft draft, string model, int version, CancellationToken cancel)
    {
        var node = draft.Version(model, version);
        var hours = (await served.ListAsync(model, version, MostHours, cancel)).Select(LineageDraft.HourText).ToList();
        foreach (var hour in hours.Take(MostHours))
        {
            draft.Edge(node, draft.Hour(model, hour), Predicted);
        }
        if (draft.More(node, "hours", hours.Count - MostHours, isLeast: true) is { } more)
        {
            draft.Edge(node, more, Predicted);
        }
        return hours.Take(MostHours);
    }

    /// <summary>The raw versions that were made of predictions of some hours.</summary>
    /// <returns>The ids of those that are shown.</returns>
    private async Task<IReadOnlyList<string>> AddMadeAsync(LineageDraft draft, string model, IReadOnlyCollection<string> hours, CancellationToken cancel)
    {
        var listed = await log.ListMadeAsync(model, MostLookedThrough, cancel);
        var times = hours.Select(hour => (Text: hour, From: LineageQuery.HourOf(hour)!.Value)).ToList();
        var made = listed.Select(version => (Version: version, Hours: Within(version).ToList())).Where(candidate => candidate.Hours.Count > 0).ToList();
        var shown = new List<string>();
        foreach (var (version, within) in made.Take(MostMade))
        {
            // Nothing need have been told of what was predicted in an hour of that time.
            var of = HoursOf(await datasets.FindAsync(version.Id, cancel)).Intersect(within).ToList();
            if (of.Count > 0)
            {
                shown.Add(version.Id);
                var node = draft.Dataset(model, version.Stage, version.Id, version.Rows);
                of.ForEach(hour => draft.Edge(draft.Hour(model, hour), node, FromPredictions));
            }
        }
        if (made.Count > MostMade)
        {
            var newest = draft.Hour(model, made.Skip(MostMade).SelectMany(candidate => candidate.Hours).Max(StringComparer.Ordinal)!);
            var more = draft.More(newest, "datasets of that time", made.Count - MostMade, isLeast: listed.Count == MostLookedThrough);
            draft.Edge(newest, more!, FromPredictions);
        }
        return shown;

        IEnumerable<string> Within(DataEntry version) => LoggedSource.TimeOf(version.Source) is var (from, until)
            ? times.Where(hour => hour.From.AddHours(1) > from && hour.From < until).Select(hour => hour.Text)
            : [];
    }

    /// <summary>What a run's version was made of among its others. Of one that is not here only its stage is known, and which one comes before that.</summary>
    private async Task<IReadOnlyList<string>> ParentsAsync(
        DatasetManifest? version, string stage, IReadOnlyDictionary<string, string> uses, CancellationToken cancel)
    {
        if (version is not null)
        {
            return await ParentsAsync(version, uses.ContainsKey, cancel);
        }
        var before = stage switch
        {
            "clean" => "raw",
            "features" => "clean",
            "train" or "validation" or "test" => "features",
            _ => null,
        };
        return [.. uses.Where(use => use.Value == before).Select(use => use.Key)];
    }

    /// <summary>
    /// What a version was made of among those that are shown. Between may be one that no run names: the rows that stay, of which a clean version with filled
    /// nulls is a view.
    /// </summary>
    private async Task<IReadOnlyList<string>> ParentsAsync(DatasetManifest version, Func<string, bool> isShown, CancellationToken cancel)
    {
        var found = new List<string>();
        foreach (var parent in version.Parents)
        {
            if (isShown(parent))
            {
                found.Add(parent);
            }
            else if (version.Stage != "raw" && await datasets.FindAsync(parent, cancel) is { } between)
            {
                found.AddRange(await ParentsAsync(between, isShown, cancel));
            }
        }
        return found;
    }
}
