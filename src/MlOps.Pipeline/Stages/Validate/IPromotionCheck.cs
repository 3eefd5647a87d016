using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Validate;

/// <summary>
/// A gate of the host's own: it looks at the candidate that goes on and says what speaks against its promotion. It runs for the models whose
/// definition names it, <c>"gates": { "checks": ["its-name"] }</c>, in stage validate, before anybody is asked for approval.
/// </summary>
public interface IPromotionCheck
{
    /// <summary>Its name in definitions, reasons and params: 1 to 40 lower-case letters, digits, <c>-</c> and <c>_</c>, beginning with a letter.</summary>
    string Name { get; }

    /// <summary>Names of the options that it takes; a definition that gives another one is refused.</summary>
    IReadOnlyCollection<string> Options => [];

    /// <summary>
    /// Judges a candidate. The stage may run twice, even at the same moment: it must come to the same answer and change nothing. An exception fails
    /// the stage, as any fault of a stage does.
    /// </summary>
    /// <param name="candidate">What is judged, to read only.</param>
    /// <param name="options">What the definition tells the check: all of them are among <see cref="Options"/>.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>What blocks promotion, one sentence each; empty when it passes. The first three are kept, each of at most 500 characters.</returns>
    /// <exception cref="InputException">An option's value is wrong, or names a column that there is not; the run ends with the sentence.</exception>
    Task<IReadOnlyList<string>> CheckAsync(PromotionCandidate candidate, ExtensionOptions options, CancellationToken cancel);
}

/// <summary>The winner of a run, as a check sees it.</summary>
public sealed record PromotionCandidate
{
    public required string RunId { get; init; }
    /// <summary>Its key, such as <c>0-lightgbm</c>.</summary>
    public required string Key { get; init; }
    public required PipelineDefinition Definition { get; init; }
    public required TargetColumn Target { get; init; }
    /// <summary>The dataset version that it was measured on.</summary>
    public required DatasetRef Validation { get; init; }
    /// <summary>Its metrics on the validation rows, by plain name such as <c>rmse</c>.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }
    /// <summary>The version in production; null when there is none.</summary>
    public ProductionModel? Production { get; init; }
    /// <summary>The validation rows with their predictions, which are there already.</summary>
    public required ValidationRows Rows { get; init; }
}

/// <summary>The version in production when a candidate is judged.</summary>
/// <param name="Version">Its number.</param>
/// <param name="Metrics">Its metrics by plain name, as it was registered: on the validation rows of its own run.</param>
public sealed record ProductionModel(int Version, IReadOnlyDictionary<string, double> Metrics);
