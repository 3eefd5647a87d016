using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Doctor;

/// <summary>
/// What must hold between runs and their orchestration instances, where a Functions app works on the storage. Nothing of it is broken: the app brings them
/// together again by itself (<c>RunRecovery</c>), and an instance that has lost its run ends at its next stages.
/// </summary>
internal sealed class InstanceChecks(PipelineStorage storage, RunStore store, TaskHubs hubs)
{
    /// <summary>The app leaves a run alone for its first minute, and looks every minute.</summary>
    private static readonly TimeSpan Recovered = TimeSpan.FromMinutes(2);

    /// <summary>After the end of its run an instance has its own end to write, and after a cancellation to be told of it.</summary>
    private static readonly TimeSpan Ending = TimeSpan.FromMinutes(5);

    /// <summary>Unfinished runs that no instance works on.</summary>
    /// <param name="unfinished">The runs that had not ended, and when each was created.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<IReadOnlyList<Finding>> RunsAsync(IReadOnlyDictionary<string, DateTimeOffset> unfinished, DateTimeOffset now, CancellationToken cancel)
    {
        var found = new List<Finding>();
        foreach (var (runId, _) in hubs.Any ? unfinished.Where(run => (now - run.Value).Duration() > Recovered) : [])
        {
            // The run again after its instance: a run ends before its instance does. The instance again after the run: it may have just been started.
            if (await IsLeftAsync(runId, cancel)
                && !await storage.Leases.GetBlobClient(runId).ExistsAsync(cancel)
                && await store.FindAsync(runId, cancel) is { HasEnded: false } run
                && await IsLeftAsync(runId, cancel))
            {
                found.Add(new Finding(FindingKind.Stopped, $"runs/{runId}", Problem(run, await hubs.FindAsync(runId, cancel))));
            }
        }
        return found;
    }

    /// <summary>Instances that go on without a run, or after their run has ended.</summary>
    public async Task<IReadOnlyList<Finding>> OrphansAsync(DateTimeOffset now, CancellationToken cancel)
    {
        var found = new List<Finding>();
        await foreach (var instance in hubs.ReadUnendedAsync(cancel))
        {
            var run = await store.FindAsync(instance.RunId, cancel);
            var isLate = now - instance.Changed > Ending && (run is null || now - run.Ended > Ending);
            if (isLate && await hubs.FindAsync(instance.RunId, cancel) is { HasEnded: false } still)
            {
                var why = run is null ? "there is no such run" : $"its run has ended as {Word(run)}";
                found.Add(new Finding(
                    FindingKind.Orphan, $"instances/{instance.RunId}",
                    $"The orchestration is {still.State}, and {why}. It ends by itself with its next stages, or "
                        + "when what it waits for is over; Durable Functions' terminate ends it at once."));
            }
        }
        return found;
    }

    private async Task<bool> IsLeftAsync(string runId, CancellationToken cancel) => await hubs.FindAsync(runId, cancel) is not { HasEnded: false };

    private static string Problem(Run run, RunInstance? instance)
    {
        var (why, next) = instance is null
            ? ("it has no orchestration instance", "starts it")
            : ($"its orchestration has ended as {instance.State}", "closes it as failed (a retry starts it again)");
        return $"It counts as {Word(run)}, and {why}: nobody has it. Within two minutes the Functions app, where it runs, {next}; "
            + $"POST /runs/{run.RunId}/cancel ends it at once.";
    }

    private static string Word(Run run) => run.State.ToString().ToLowerInvariant();
}
