using System.Globalization;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Lineage;

/// <summary>Follows a file, a dataset version, a run, a model version or an hour of predictions to both ends.</summary>
public sealed class LineageReader(
    RunStore runs, DataLog log, DataVersions versions, DatasetStore datasets, ModelRegistry registry, PipelineStorage storage, TimeProvider time)
{
    /// <summary>How many runs of a file or a dataset version are followed, the newest first.</summary>
    public const int MostRuns = 20;

    /// <summary>How many hours of predictions of a version are shown, the newest first.</summary>
    public const int MostHours = 48;

    private const string FromPredictions = "feedback";

    /// <summary>How many days with nothing predicted are looked through for those hours.</summary>
    private const int MostDays = 62;

    /// <summary>How many of a model's runs are looked through for a file that none could read, the newest first.</summary>
    private const int MostLookedThrough = 1000;

    /// <summary>The lineage of a run; null when there is none.</summary>
    public async Task<LineageGraph?> OfRunAsync(string runId, CancellationToken cancel) =>
        await runs.FindAsync(runId, cancel) is { } run ? await OfRunsAsync([run], cancel) : null;

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
        var uses = await log.ListRunsAsync(model, version.Id, cancel);
        if (uses.Count == 0)
        {
            return await OfUnusedAsync(version, cancel);
        }
        var found = new List<Run>();
        foreach (var use in uses.OrderByDescending(use => use.RunId, StringComparer.Ordinal).Take(MostRuns))
        {
            if (await runs.FindAsync(use.RunId, cancel) is { } run)
            {
                found.Add(run);
            }
        }
        return await OfRunsAsync(found, cancel);
    }

    /// <summary>A version that no run has had: it comes from predictions, or its runs are gone.</summary>
    private async Task<LineageGraph> OfUnusedAsync(DataEntry version, CancellationToken cancel)
    {
        var node = new LineageNode(
            Key(LineageKind.Dataset, $"{version.Model}@{version.Id}"), LineageKind.Dataset,
            string.Create(CultureInfo.InvariantCulture, $"{version.Stage} {version.Id[..8]}, {version.Rows} rows"));
        var hours = HoursOf(version.Model, await datasets.FindAsync(version.Id, cancel));
        return new LineageGraph([.. hours, node], [.. hours.Select(hour => new LineageEdge(hour.Id, node.Id, FromPredictions))]);
    }

    /// <summary>The hours that a raw version made of predictions comes from.</summary>
    private static IReadOnlyList<LineageNode> HoursOf(string model, DatasetManifest? version) => version?.Notes[DatasetNotes.Hours] is JsonArray hours
        ? [.. hours.Select(hour => HourNode(model, hour!.GetValue<string>()))]
        : [];

    private static LineageNode HourNode(string model, string hour) => new(
        Key(LineageKind.Predictions, $"{model}/{hour}"), LineageKind.Predictions, $"predictions {hour[..10].Replace('/', '-')} {hour[11..]}:00");

    private static string Key(LineageKind kind, string id) => $"{kind.ToString().ToLowerInvariant()}/{id}";

    /// <summary>The lineage of a raw file of a model: of the runs that read it; null when none did.</summary>
    public async Task<LineageGraph?> OfFileAsync(string model, string file, CancellationToken cancel)
    {
        var source = $"raw/{model}/{file}";
        var found = new List<Run>();
        foreach (var runId in await log.ListRunsOfFileAsync(model, source, MostRuns, cancel))
        {
            if (await runs.FindAsync(runId, cancel) is { } run)
            {
                found.Add(run);
            }
        }
        if (found.Count == 0)
        {
            // No run could read it: what there is of it are runs that failed.
            found.AddRange((await runs.ListAsync(model, MostLookedThrough, cancel)).Where(run => run.Source == source).Take(MostRuns));
        }
        return found.Count == 0 ? null : await OfRunsAsync(found, cancel);
    }

    /// <summary>The lineage of what was predicted in an hour: of the versions that were in production then; null when there were none.</summary>
    public async Task<LineageGraph?> OfHourAsync(string model, DateTimeOffset hour, CancellationToken cancel)
    {
        var found = new List<Run>();
        var serving = (await ServedAsync(model, cancel)).Where(served => served.From < hour.AddHours(1) && served.Until > hour);
        foreach (var (version, _, _) in serving.DistinctBy(served => served.Version))
        {
            if (await registry.FindVersionAsync(model, version, cancel) is { } served && await runs.FindAsync(served.RunId, cancel) is { } run)
            {
                found.Add(run);
            }
        }
        return found.Count == 0 ? null : await OfRunsAsync(found, cancel);
    }

    private async Task<LineageGraph> OfRunsAsync(IReadOnlyList<Run> followed, CancellationToken cancel)
    {
        var (nodes, edges) = (new OrderedDictionary<string, LineageNode>(StringComparer.Ordinal), new OrderedDictionary<LineageEdge, bool>());
        foreach (var run in followed)
        {
            await AddAsync(run, cancel);
        }
        return new LineageGraph([.. nodes.Values], [.. edges.Keys]);

        async Task AddAsync(Run run, CancellationToken stop)
        {
            var uses = (await log.ListOfRunAsync(run.Model, run.RunId, stop)).ToDictionary(use => use.Id, use => use.Stage, StringComparer.Ordinal);
            var runNode = Node(LineageKind.Run, run.RunId, $"run {run.RunId}");
            if (run is { Goal: RunGoal.Canary, Version: { } tried })
            {
                Edge(VersionNode(run.Model, tried), runNode, "canary");
                return;
            }
            if (run is { Goal: RunGoal.Score, Version: { } scoring })
            {
                Edge(VersionNode(run.Model, scoring), runNode, "scored with");
            }
            var fileNode = StoredSource.IdOf(run.Source) is null ? Node(LineageKind.File, run.Source, run.Source) : null;
            foreach (var stage in DataEntry.Stages.Where(uses.ContainsValue))
            {
                var id = uses.Single(use => use.Value == stage).Key;
                var version = await datasets.FindAsync(id, stop);
                var rows = version is null ? "collected" : string.Create(CultureInfo.InvariantCulture, $"{version.Rows} rows");
                var node = Node(LineageKind.Dataset, $"{run.Model}@{id}", $"{stage} {id[..8]}, {rows}");
                // A scored table comes from its input by way of the run, as it comes from the version that scored too.
                foreach (var parent in stage == DataEntry.Score || version is null ? [] : await ParentsAsync(version, uses.ContainsKey, stop))
                {
                    Edge(Key(LineageKind.Dataset, $"{run.Model}@{parent}"), node, stage);
                }
                foreach (var hour in stage == "raw" ? HoursOf(run.Model, version) : [])
                {
                    nodes.TryAdd(hour.Id, hour);
                    Edge(hour.Id, node, FromPredictions);
                }
                if (stage is "raw" or DataEntry.Input && fileNode is not null)
                {
                    Edge(fileNode, node, "ingest");
                }
                if (stage == DataEntry.Score)
                {
                    Edge(runNode, node, stage);
                }
                else if (stage is "train" or "validation" or "test" or DataEntry.Input || uses.Count == 1)
                {
                    Edge(node, runNode, stage);
                }
            }
            if (await registry.FindVersionOfAsync(run.Model, run.RunId, stop) is { } number)
            {
                var node = VersionNode(run.Model, number);
                Edge(runNode, node, "registered");
                foreach (var hour in await HoursAsync(run.Model, number, stop))
                {
                    var predictions = HourNode(run.Model, hour.UtcDateTime.ToString("yyyy/MM/dd/HH", CultureInfo.InvariantCulture));
                    nodes.TryAdd(predictions.Id, predictions);
                    Edge(node, predictions.Id, "predicted");
                }
            }
        }

        string Node(LineageKind kind, string id, string label)
        {
            nodes.TryAdd(Key(kind, id), new LineageNode(Key(kind, id), kind, label));
            return Key(kind, id);
        }

        string VersionNode(string model, int number) =>
            Node(LineageKind.Version, $"{model}@{number.ToString(CultureInfo.InvariantCulture)}", $"{model} version {number}");

        void Edge(string from, string to, string word) => edges.TryAdd(new LineageEdge(from, to, word), true);
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

    /// <summary>The hours of logged predictions in which a version was in production, the newest first.</summary>
    private async Task<IReadOnlyList<DateTimeOffset>> HoursAsync(string model, int version, CancellationToken cancel)
    {
        var times = (await ServedAsync(model, cancel)).Where(served => served.Version == version).ToList();
        var hours = new SortedSet<DateTimeOffset>();
        var day = DateTimeOffset.MaxValue;
        for (var empty = 0; times.Count > 0 && hours.Count < MostHours && empty < MostDays;)
        {
            // From the newest day on which it served backwards.
            var last = times.Where(served => served.From < day).Select(served => (DateTimeOffset?)(served.Until < day ? served.Until : day)).Max();
            if (last is not { } until)
            {
                break;
            }
            day = new DateTimeOffset(until.AddTicks(-1).UtcDateTime.Date, TimeSpan.Zero);
            empty++;
            await foreach (var blob in storage.Predictions.GetBlobsAsync(default, default, PredictionBlobs.DayPrefix(model, day), cancel))
            {
                if (PredictionBlobs.HourOf(blob.Name) is { } hour && times.Any(served => served.From < hour.AddHours(1) && served.Until > hour))
                {
                    hours.Add(hour);
                    empty = 0;
                }
            }
        }
        return [.. hours.Reverse().Take(MostHours)];
    }

    /// <summary>When which version was in production.</summary>
    private async Task<IReadOnlyList<(int Version, DateTimeOffset From, DateTimeOffset Until)>> ServedAsync(string model, CancellationToken cancel)
    {
        var served = new List<(int, DateTimeOffset, DateTimeOffset)>();
        var until = time.GetUtcNow().AddHours(1);
        var moves = (await registry.ListHistoryAsync(model, cancel)).Where(change => change.Alias == ModelAlias.Production);
        foreach (var change in moves.OrderByDescending(change => change.At))
        {
            if (change.To is { } version)
            {
                served.Add((version, change.At, until));
            }
            until = change.At;
        }
        return served;
    }
}
