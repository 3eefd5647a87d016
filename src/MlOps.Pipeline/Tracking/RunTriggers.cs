namespace MlOps.Pipeline.Tracking;

/// <summary>What starts runs, as it stands on them (<see cref="Run.Trigger"/>).</summary>
public static class RunTriggers
{
    /// <summary>A person or program, over HTTP.</summary>
    public const string Http = "http";

    /// <summary>A command.</summary>
    public const string Cli = "cli";

    /// <summary>A definition's schedule.</summary>
    public const string Schedule = "schedule";

    /// <summary>A file that was dropped.</summary>
    public const string File = "file";

    /// <summary>Live rows that have drifted.</summary>
    public const string Drift = "drift";

    /// <summary>Performance that has fallen, measured or estimated.</summary>
    public const string Decay = "decay";

    /// <summary>So many new rows.</summary>
    public const string Rows = "rows";

    /// <summary>An earlier run, which is done again.</summary>
    public const string Retry = "retry";

    public static IReadOnlyList<string> All { get; } = [Http, Cli, Schedule, File, Drift, Decay, Rows, Retry];
}
