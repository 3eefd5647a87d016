using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages;

namespace MlOps.Functions.Durable;

/// <summary>
/// How an activity that need not be tried again ended: with the stage's output, or with a failure that no retry helps. Only what may
/// pass by itself is thrown. So the orchestration need not guess from an exception's text, which each version of the host writes differently.
/// </summary>
/// <param name="Output">The stage's output as JSON; null when it failed.</param>
/// <param name="Failure">Why it failed; null when it did not.</param>
/// <param name="IsWrongInput">True when the stage refused its input.</param>
public sealed record StageOutcome(JsonElement? Output, string? Failure = null, bool IsWrongInput = false)
{
    public static StageOutcome Of<TOutput>(TOutput output)
        where TOutput : IStageOutput => new(JsonSerializer.SerializeToElement(output, Json.Options));

    public static StageOutcome Failed(Exception fault) => Failed(FaultText.Of(fault)) with { IsWrongInput = fault is InputException };

    public static StageOutcome Failed(string failure) => new(null, StageRunner.Shorten(failure));

    /// <exception cref="StageFailedException">The stage failed.</exception>
    public TOutput Read<TOutput>() => Output is { } output && Failure is null
        ? output.Deserialize<TOutput>(Json.Options)!
        : throw new StageFailedException(Failure ?? "The stage gave no output.") { IsWrongInput = IsWrongInput };
}
