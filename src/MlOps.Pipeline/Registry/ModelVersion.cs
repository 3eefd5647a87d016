using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Registry;

/// <summary>Names of the aliases the pipeline moves itself.</summary>
public static class ModelAlias
{
    public const string Production = "production";
    public const string Candidate = "candidate";
}

/// <summary>A registered model: immutable once written; aliases point at it.</summary>
public sealed record ModelVersion : IStored
{
    public static int CurrentFormat => 1;

    public static string StoredAs => "model version";

    public int Format { get; init; } = CurrentFormat;

    public required string Model { get; init; }
    /// <summary>1, 2, 3, … without gaps, but for those that were deleted.</summary>
    public int Version { get; init; }
    public required string RunId { get; init; }
    public required string DefinitionId { get; init; }
    public required TaskKind Task { get; init; }
    /// <summary>Key of the winning candidate, such as <c>0-lightgbm</c>.</summary>
    public required string Candidate { get; init; }
    /// <summary>Blob prefix in container <c>artifacts</c> under which <c>model.zip</c>, <c>featurizer.json</c> and <c>signature.json</c> stand.</summary>
    public required string ModelBlobs { get; init; }
    /// <summary>SHA-256 of each of these files as hex, and of <c>explainer.json</c> once it is explained; null where none were kept.</summary>
    public IReadOnlyDictionary<string, string>? Sha256 { get; init; }
    /// <summary>The <c>val_*</c> metrics, and <c>test_*</c> where there were test rows.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }
    public required ModelLineage Lineage { get; init; }
    public DateTimeOffset Created { get; init; }
    /// <summary>The version of another storage account that this one is a copy of; null: a run of this account registered it.</summary>
    public CopiedFrom? From { get; init; }

    public ModelFiles ToFiles() => new(ModelBlobs, Sha256);
}

/// <param name="Account">The storage account, by its name in Azure, else by its address.</param>
/// <param name="Model">The model.</param>
/// <param name="Version">Its version there.</param>
public sealed record CopiedFrom(string Account, string Model, int Version)
{
    public override string ToString() => $"{Account}/{Model}@{Version}";
}

/// <summary>The dataset versions a model comes from.</summary>
public sealed record ModelLineage(string Raw, string Clean, string Features, string Train, string Validation, string? Test = null)
{
    /// <summary>The version that was so to the model (<c>raw</c>, <c>clean</c>, …); null: there is none.</summary>
    public string? OfStage(string stage) => stage switch
    {
        "raw" => Raw,
        "clean" => Clean,
        "features" => Features,
        "train" => Train,
        "validation" => Validation,
        "test" => Test,
        _ => null,
    };
}

/// <summary>A registered model's name with its aliases.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="LatestVersion">The newest version number; 0 before the first.</param>
/// <param name="Aliases">Alias to version number.</param>
public sealed record RegisteredModel(string Model, int LatestVersion, IReadOnlyDictionary<string, int> Aliases)
{
    public int? Production => Aliases.TryGetValue(ModelAlias.Production, out var version) ? version : null;

    /// <summary>How requests are shared out between versions; null: production answers all.</summary>
    public TrafficSplit? Traffic { get; init; }
}

/// <summary>One move of an alias, kept for good.</summary>
/// <param name="Alias">Which alias.</param>
/// <param name="From">The version it pointed at before; null when it is new.</param>
/// <param name="To">The version it points at now; null when it was taken away.</param>
/// <param name="Reason">Why: a run's decision, or a person's.</param>
/// <param name="At">When.</param>
public sealed record AliasChange(string Alias, int? From, int? To, string Reason, DateTimeOffset At);

/// <summary>What is left of a version that was deleted.</summary>
/// <param name="Version">Its number, which no other version gets.</param>
/// <param name="RunId">The run that registered it.</param>
/// <param name="Created">When it was registered.</param>
/// <param name="Deleted">When it was deleted.</param>
public sealed record DeletedVersion(int Version, string RunId, DateTimeOffset Created, DateTimeOffset Deleted);

/// <summary>A promotion that a run made.</summary>
/// <param name="Version">The version that went into production.</param>
/// <param name="Replaced">The one that was there before; null when there was none.</param>
public sealed record Promotion(int Version, int? Replaced);

/// <summary>What became of a promotion.</summary>
/// <param name="Promoted">True when the production alias was moved.</param>
/// <param name="Conflict">True when production was no longer the version that the decision rests on: re-read and decide again.</param>
public sealed record PromotionResult(bool Promoted, bool Conflict);
