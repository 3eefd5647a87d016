namespace MlOps.Pipeline.Tracking;

/// <summary>How the outcomes of what is expected of a table stand among a run's params.</summary>
public static class ExpectOutcomes
{
    /// <summary>What their names begin with; the expectation's name follows.</summary>
    public const string ParamPrefix = "expect.";

    /// <summary>The value where it holds; else it is the sentence that says what is otherwise.</summary>
    public const string Holds = "holds";

    /// <summary>What the value begins with where there was nothing to compare with.</summary>
    public const string NotCompared = "not compared: ";
}
