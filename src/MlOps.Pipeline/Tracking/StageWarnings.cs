using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Tracking;

/// <summary>What the stages of a run told.</summary>
public static class StageWarnings
{
    /// <summary>Each warning once, with the stage that told it first: headlines before the others, each in the order of the stages.</summary>
    public static IReadOnlyList<(string Stage, Warning Warning)> Of(IEnumerable<StageStatus> stages) =>
    [
        .. stages.SelectMany(stage => (stage.Warnings ?? []).Select(warning => (stage.Stage, Warning: warning))).DistinctBy(told => told.Warning.Text)
            .OrderByDescending(told => told.Warning.Headline),
    ];
}
