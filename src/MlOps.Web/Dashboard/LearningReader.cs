using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web.Dashboard;

/// <summary>Finds the learning curve that a run keeps.</summary>
internal static class LearningReader
{
    /// <returns>Null where the run keeps none: it was made by an earlier release, or has come to no winner.</returns>
    public static async Task<LearningCurve?> FindAsync(RunDetails run, ArtifactStore artifacts, CancellationToken cancel) =>
        run.Artifacts.FirstOrDefault(artifact => artifact.Path == LearningCurve.FileName) is { } listed
            && await artifacts.FindAsync(listed.Blob, cancel) is { } stored
            ? Json.Read<LearningCurve>(stored.ToString())
            : null;
}
