namespace MlOps.Pipeline.Data;

/// <summary>Partitions of table <c>marks</c>.</summary>
public static class MarkKinds
{
    /// <summary>Whose turn a model is.</summary>
    public const string Turn = "turn";

    /// <summary>Which candidates may train at once, of all runs.</summary>
    public const string Training = "training";

    /// <summary>In which state a raw file was taken.</summary>
    public const string RawFile = "rawfile";

    /// <summary>Until when a model's schedule is served.</summary>
    public const string Schedule = "schedule";

    /// <summary>How far a model's live rows are checked.</summary>
    public const string LiveDrift = "live-drift";

    /// <summary>What was decided by itself of a split.</summary>
    public const string Traffic = "traffic";
}
