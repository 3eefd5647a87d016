using System.Globalization;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Stages.Canary;

/// <summary>What evidence says of a version that answers beside production.</summary>
public enum TrafficFinding
{
    /// <summary>Nothing is shown: too few rows, or no difference that could not be chance.</summary>
    Open,
    /// <summary>Its losses are smaller than production's, and not by chance.</summary>
    Better,
    /// <summary>Its losses are larger than production's, and not by chance; or too many rows could not be answered.</summary>
    Worse,
}

/// <summary>What evidence says, and in a sentence why.</summary>
public sealed record TrafficVerdict(TrafficFinding Finding, string Text)
{
    /// <summary>Fewest rows of which a share that failed says something.</summary>
    private const int FewestAsked = 20;

    /// <summary>Weighs evidence by a definition's rules.</summary>
    public static TrafficVerdict Of(ChallengerEvidence evidence, int version, int production, TrafficRules rules)
    {
        var asked = evidence.Predictions + evidence.Failed;
        if (asked >= FewestAsked && (double)evidence.Failed / asked > rules.FailedAtMost)
        {
            return new TrafficVerdict(TrafficFinding.Worse, string.Create(
                CultureInfo.InvariantCulture,
                $"version {version} could not answer {evidence.Failed:N0} of {asked:N0} rows, which production answered; "
                    + $"{rules.FailedAtMost:0.##%} may be so"));
        }
        if (evidence is not { Difference: { } difference, Interval: { } interval })
        {
            return new TrafficVerdict(TrafficFinding.Open, string.Create(
                CultureInfo.InvariantCulture,
                $"version {version} answered {evidence.Predictions:N0} rows, and too few have feedback ({evidence.Feedback:N0})"));
        }
        var numbers = string.Create(
            CultureInfo.InvariantCulture,
            $"{evidence.Loss} of version {version} less that of version {production} is {difference:G4} ({interval.Low:G4} to {interval.High:G4}, "
                + $"at least {evidence.Feedback:N0} rows each)");
        return interval switch
        {
            { Low: > 0 } => new TrafficVerdict(TrafficFinding.Worse, "worse: " + numbers),
            { High: < 0 } => new TrafficVerdict(TrafficFinding.Better, "better: " + numbers),
            _ => new TrafficVerdict(TrafficFinding.Open, "not told apart: " + numbers),
        };
    }
}
