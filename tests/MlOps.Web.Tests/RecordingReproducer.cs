using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;

namespace MlOps.Web.Tests;

/// <summary>A reproducer that runs nothing: what was asked for first goes on until the test says how it ended.</summary>
internal sealed class RecordingReproducer : IReproducer
{
    public Reproduction? Latest { get; set; }

    public Task<Reproduction> ReproduceAsync(RunDetails run, string by, CancellationToken cancel)
    {
        if (Latest is not { State: ReproductionState.Running })
        {
            Latest = new Reproduction { RunId = run.Run.RunId, State = ReproductionState.Running, By = by, Started = DateTimeOffset.UtcNow };
        }
        return Task.FromResult(Latest);
    }

    public Task<Reproduction?> FindAsync(string runId, CancellationToken cancel) => Task.FromResult(Latest?.RunId == runId ? Latest : null);
}
