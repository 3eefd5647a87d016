namespace MlOps.Pipeline.Tracking;

/// <summary>How much of a stage's log is kept on its run, and how soon.</summary>
public sealed record StageLogOptions
{
    /// <summary>Bytes (UTF-8) of one stage's log, all its calls and attempts together; then it says that it is full, and takes no more.</summary>
    public int MostBytes { get; init; } = 1_048_576;

    /// <summary>Time between two writes while the stage works; what is told later is in the last one, at its end.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the end of a stage waits at most for its last lines: storage that is down holds up no run.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);
}
