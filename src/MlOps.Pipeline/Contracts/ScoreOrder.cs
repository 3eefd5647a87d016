namespace MlOps.Pipeline.Contracts;

/// <summary>With what a run of goal <c>score</c> scores its table.</summary>
/// <param name="Version">The model version: it was found when the run was asked for, and stays the same whatever goes into production meanwhile.</param>
public sealed record ScoreOrder(int Version);
