using MlOps.Pipeline.Tracking;

namespace MlOps.Web.Dashboard;

/// <summary>Finds what a run's page shows of its stages' logs.</summary>
internal static class RunLogReader
{
    /// <summary>A page shows the end of a log; the route has all of it.</summary>
    private const int MostShown = 64 * 1024;

    /// <param name="run">The run with its stages.</param>
    /// <param name="stage">Whose log is asked for; null: that of the stage that has failed, is at work, or was the last.</param>
    /// <param name="logs">Where they are.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>Null where no stage has said anything.</returns>
    public static async Task<ShownLog?> FindAsync(RunView run, string? stage, StageLogs logs, CancellationToken cancel)
    {
        var lengths = await logs.LengthsAsync(run.RunId, cancel);
        // In the order of the run; a call of a later round of a stage is in the same log.
        var names = run.Stages!.Select(one => one.Stage).Distinct().Where(lengths.ContainsKey).ToList();
        if (names.Count == 0)
        {
            return null;
        }
        var chosen = stage is not null && names.Contains(stage) ? stage : Telling(run, names);
        var part = await logs.ReadEndAsync(run.RunId, chosen, lengths[chosen], MostShown, cancel);
        return new ShownLog(names, part, IsChosen: chosen == stage);
    }

    private static string Telling(RunView run, List<string> names) =>
        LastOf(run, names, StageState.Failed) ?? LastOf(run, names, StageState.Running) ?? names[^1];

    private static string? LastOf(RunView run, List<string> names, StageState state) =>
        run.Stages!.LastOrDefault(one => one.State == state && names.Contains(one.Stage))?.Stage;
}
