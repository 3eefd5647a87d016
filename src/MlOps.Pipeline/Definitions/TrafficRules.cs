using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions;

/// <summary>What must be shown of a version at the end of a canary's step.</summary>
public enum CanaryNeed
{
    /// <summary>It is not worse than production, as far as can be told.</summary>
    NotWorse,
    /// <summary>It is better than production.</summary>
    Better,
}

/// <summary>How a new version is let at the requests, and what is decided by itself between versions that share them.</summary>
public sealed record TrafficRules
{
    /// <summary>Shortest step of a canary.</summary>
    public static TimeSpan LeastHold { get; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest step of a canary.</summary>
    public static TimeSpan MostHold { get; } = TimeSpan.FromDays(30);

    /// <summary>Steps of a canary that a person asks for where the definition names none.</summary>
    public static IReadOnlyList<int> UsualSteps { get; } = [5, 25];

    /// <summary>Most rows with feedback that may be asked for.</summary>
    public const int MostFeedback = 1_000_000_000;

    /// <summary>A new version's share of the requests in percent, step by step; empty: it goes into production at once.</summary>
    public IReadOnlyList<int> Steps { get; init; } = [];
    /// <summary>How long each step lasts at least.</summary>
    public TimeSpan Hold { get; init; } = TimeSpan.FromHours(1);
    /// <summary>How long a step may last while what must be shown is not shown yet; then the version is taken out.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromDays(1);
    /// <summary>What must be shown at the end of a step.</summary>
    public CanaryNeed Need { get; init; }
    /// <summary>Fewest rows with feedback, of either version, at the end of a step.</summary>
    public int MinFeedback { get; init; }
    /// <summary>Share of its rows that a version may fail to answer; production answers them.</summary>
    public double FailedAtMost { get; init; } = 0.01;
    /// <summary>A version that a person lets answer beside production goes into production when it is better.</summary>
    public bool Promote { get; init; }
    /// <summary>A version that a person lets answer beside production is taken out when it is worse.</summary>
    public bool RollBack { get; init; }

    /// <summary>True when nothing is declared.</summary>
    public bool IsUsual => Steps.Count == 0 && this with { Steps = Usual.Steps } == Usual;

    private static TrafficRules Usual { get; } = new();

    /// <summary>The canary; null: a new version goes into production at once.</summary>
    public CanaryPlan? Canary => Steps.Count == 0 ? null : new CanaryPlan(Steps, Hold, Patience);
}
