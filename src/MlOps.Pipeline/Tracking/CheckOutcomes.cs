namespace MlOps.Pipeline.Tracking;

/// <summary>How the outcomes of the host's own checks stand among a run's params.</summary>
public static class CheckOutcomes
{
    /// <summary>What their names begin with; the check's name follows.</summary>
    public const string ParamPrefix = "check.";

    /// <summary>The value where the check passed; else it is the first reason.</summary>
    public const string Passed = "passed";
}
