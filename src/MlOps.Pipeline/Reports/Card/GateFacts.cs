using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports.Drift;

namespace MlOps.Pipeline.Reports.Card;

/// <summary>What a version met at its gates.</summary>
internal sealed record GateFacts
{
    /// <summary>The declared rules.</summary>
    public required GateRules Rules { get; init; }
    /// <summary>What is expected of the table.</summary>
    public IReadOnlyList<Expectation> Expectations { get; init; } = [];
    /// <summary>What each of these came to, by name: see <see cref="Tracking.ExpectOutcomes"/>.</summary>
    public IReadOnlyDictionary<string, string> Expected { get; init; } = new Dictionary<string, string>();
    /// <summary>Name of the deciding metric.</summary>
    public required string Metric { get; init; }
    /// <summary>Its value on the validation rows.</summary>
    public required double Value { get; init; }
    /// <summary>Its value for the version in production on the same rows; null when that was not measured.</summary>
    public double? Production { get; init; }
    /// <summary>Why it cannot be told which of these rows that version was trained on; null: it can, or was not asked.</summary>
    public string? Untold { get; init; }
    /// <summary>The version that was in production; null when there was none.</summary>
    public int? Previous { get; init; }
    /// <summary>How intervals hold; null where they were not measured.</summary>
    public CardIntervals? Intervals { get; init; }
    /// <summary>How groups of rows are predicted.</summary>
    public IReadOnlyList<Training.SliceReport> Slices { get; init; } = [];
    /// <summary>What the host's own checks came to, by name: see <see cref="Tracking.CheckOutcomes"/>.</summary>
    public required IReadOnlyDictionary<string, string> Checks { get; init; }
    /// <summary>The run's drift report, if it has one.</summary>
    public DriftReport? Drift { get; init; }
    /// <summary>What a person decided.</summary>
    public ApprovalDecision? Approval { get; init; }
    /// <summary>The canary that the definition asks for.</summary>
    public CanaryPlan? Canary { get; init; }
    /// <summary>Whether the version went into production.</summary>
    public required bool Promoted { get; init; }
    /// <summary>Why not.</summary>
    public required IReadOnlyList<Reason> BlockedBy { get; init; }
}
