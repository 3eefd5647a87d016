using MlOps.Pipeline.Tracking;

namespace MlOps.Web.Dashboard;

/// <summary>
/// All runs by what they are filtered and sorted by. They are read once, when somebody first filters; after that only what is new, and what had not ended:
/// a run that has ended stays as it is. One that was deleted is noticed when it would be shown.
/// </summary>
public sealed class RunCatalog(RunStore runs) : IDisposable
{
    private const int NewAtOnce = 100;

    private readonly SemaphoreSlim reading = new(1, 1);
    private readonly Dictionary<string, Entry> known = new(StringComparer.Ordinal);
    private bool isWhole;

    /// <summary>A page of the runs that fit, in the order that is asked for.</summary>
    /// <param name="query">Which.</param>
    /// <param name="take">At most so many.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>The runs, whether there are more, and how many fit in all.</returns>
    public async Task<(IReadOnlyList<Run> Runs, bool HasMore, int Count)> FindAsync(RunQuery query, int take, CancellationToken cancel)
    {
        var fitting = await FindAsync(query, cancel);
        var shown = new List<Run>();
        foreach (var entry in fitting.Skip(query.Skip).Take(take))
        {
            if (await runs.FindAsync(entry.RunId, cancel) is { } run)
            {
                shown.Add(run);
            }
            else
            {
                await ForgetAsync(entry.RunId, cancel);
            }
        }
        return (shown, fitting.Count > query.Skip + take, fitting.Count);
    }

    public void Dispose() => reading.Dispose();

    private async Task<IReadOnlyList<Entry>> FindAsync(RunQuery query, CancellationToken cancel)
    {
        await reading.WaitAsync(cancel);
        try
        {
            await CatchUpAsync(cancel);
            return Sorted(known.Values.Where(entry => Fits(entry, query)), query);
        }
        finally
        {
            reading.Release();
        }
    }

    private async Task ForgetAsync(string runId, CancellationToken cancel)
    {
        await reading.WaitAsync(cancel);
        try
        {
            known.Remove(runId);
        }
        finally
        {
            reading.Release();
        }
    }

    private async Task CatchUpAsync(CancellationToken cancel)
    {
        if (!isWhole)
        {
            await foreach (var run in runs.ReadAllAsync(cancel))
            {
                known[run.RunId] = Entry.Of(run);
            }
            isWhole = true;
            return;
        }
        foreach (var open in known.Values.Where(entry => !entry.HasEnded).ToList())
        {
            if (await runs.FindAsync(open.RunId, cancel) is { } run)
            {
                known[run.RunId] = Entry.Of(run);
            }
            else
            {
                known.Remove(open.RunId);
            }
        }
        // Newest first, until one that is known: a run's place in that list is there before the run.
        string? next = null;
        do
        {
            var page = await runs.ListAsync(model: null, NewAtOnce, next, cancel);
            var isNew = page.Items.Where(run => !known.ContainsKey(run.RunId)).ToList();
            isNew.ForEach(run => known[run.RunId] = Entry.Of(run));
            next = isNew.Count == page.Items.Count ? page.Next : null;
        }
        while (next is not null);
    }

    private static bool Fits(Entry entry, RunQuery query) =>
        (query.Model is null || entry.Model == query.Model)
        && (query.State is null || entry.State == query.State)
        && (query.Goal is null || entry.Goal == query.Goal)
        && (query.Trigger is null || entry.Trigger == query.Trigger)
        && !(entry.Created < query.From) && !(entry.Created >= query.Until)
        && (query.Metric is null || (entry.Metrics.TryGetValue(query.Metric, out var value) && !(value < query.Min) && !(value > query.Max)));

    private static List<Entry> Sorted(IEnumerable<Entry> entries, RunQuery query) => query.Sort switch
    {
        "oldest" => [.. entries.OrderBy(entry => entry.Created)],
        "lowest" => [.. entries.OrderBy(entry => entry.Metrics[query.Metric!]).ThenByDescending(entry => entry.Created)],
        "highest" => [.. entries.OrderByDescending(entry => entry.Metrics[query.Metric!]).ThenByDescending(entry => entry.Created)],
        _ => [.. entries.OrderByDescending(entry => entry.Created)],
    };

    /// <summary>As much of a run as is asked by, so that many fit into memory.</summary>
    private sealed record Entry(
        string RunId, string Model, RunState State, RunGoal Goal, string Trigger, DateTimeOffset Created, bool HasEnded,
        IReadOnlyDictionary<string, double> Metrics)
    {
        private static readonly IReadOnlyDictionary<string, double> None = new Dictionary<string, double>();

        public static Entry Of(Run run) => new(
            run.RunId, string.Intern(run.Model), run.State, run.Goal, string.Intern(run.Trigger), run.Created, run.HasEnded, run.Metrics ?? None);
    }
}
