using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Reports.Drift;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Pipeline.Tracking;

namespace MlOps.Serving.Monitoring;

/// <summary>One check of the rows that a version predicted.</summary>
public sealed record LiveDriftCheck : IStored
{
    public static int CurrentFormat => 1;

    public static string StoredAs => "check of live rows";

    public int Format { get; init; } = CurrentFormat;

    public required string Model { get; init; }
    /// <summary>The production version.</summary>
    public required int Version { get; init; }
    /// <summary>The first time whose rows were taken in.</summary>
    public required DateTimeOffset From { get; init; }
    /// <summary>The time at which it was checked; later rows are another check's.</summary>
    public required DateTimeOffset Until { get; init; }
    /// <summary>Rows compared.</summary>
    public required long Rows { get; init; }
    /// <summary>True when the share of drifted columns reaches the limit.</summary>
    public required bool Drifted { get; init; }
    /// <summary>What drifted, in one sentence.</summary>
    public required IReadOnlyList<string> Reasons { get; init; }
    /// <summary>Drifted columns that people know of, by this alert or by one before it.</summary>
    public required IReadOnlyList<string> Told { get; init; }
    /// <summary>What people were told by this check; null when there was nothing new.</summary>
    public Alert? Alert { get; init; }
    /// <summary>The run that was started for this drift, now or by an earlier check.</summary>
    public string? RunId { get; init; }
    /// <summary>Why no run could be started.</summary>
    public string? RunProblem { get; init; }
    public required DriftReport Report { get; init; }
    /// <summary>What every signal says of the window; empty in checks of earlier releases, which knew of feature drift alone.</summary>
    public IReadOnlyList<SignalResult> Signals { get; init; } = [];
    /// <summary>What each version did in the window; empty in checks of earlier releases.</summary>
    public IReadOnlyList<VersionTraffic> Traffic { get; init; } = [];
    /// <summary>The first time whose rows <see cref="Traffic"/> counts: later than <see cref="From"/> where there are more than a check reads.</summary>
    public DateTimeOffset? TrafficFrom { get; init; }
    /// <summary>By signal the last state that people know of, whichever version it was of: a change of it is told.</summary>
    public IReadOnlyDictionary<string, SignalVerdict> States { get; init; } = new Dictionary<string, SignalVerdict>();
    /// <summary>The windows before and this one, oldest first, <see cref="MostTrail"/> at most.</summary>
    public IReadOnlyList<WindowPoint> Trail { get; init; } = [];

    /// <summary>Windows that a check remembers.</summary>
    public const int MostTrail = 60;
}
