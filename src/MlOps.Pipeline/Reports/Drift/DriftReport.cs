using MlOps.Drift;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Reports.Drift;

/// <summary>What <c>drift.json</c> holds, and what a check of live rows finds.</summary>
/// <param name="RunId">The run; of live rows, the one that trained the version.</param>
/// <param name="Model">Its model.</param>
/// <param name="Gate">What drift does to the run.</param>
/// <param name="DriftShare">Share of drifted columns from which a table counts as drifted.</param>
/// <param name="Drifted">True when any comparison shows a drifted table.</param>
/// <param name="Comparisons">Validation against training rows, then training rows against those of the production version. Of live rows: those
/// against the training rows.</param>
public sealed record DriftReport(string RunId, string Model, DriftGate Gate, double DriftShare, bool Drifted, IReadOnlyList<DriftComparison> Comparisons)
{
    /// <summary>Names under which a run keeps it, for programs and for people.</summary>
    public const string FileName = "drift.json";

    /// <inheritdoc cref="FileName"/>
    public const string PageName = "drift.html";
}
