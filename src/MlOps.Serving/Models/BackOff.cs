namespace MlOps.Serving.Models;

/// <summary>Pauses between tries that keep failing: each about twice as long as the one before, up to a longest, and never the same on all hosts.</summary>
internal static class BackOff
{
    /// <param name="failures">How often it has failed in a row, at least once.</param>
    /// <param name="first">The shortest pause.</param>
    /// <param name="longest">The longest.</param>
    public static TimeSpan After(int failures, TimeSpan first, TimeSpan longest)
    {
        var doubled = first * Math.Pow(2, Math.Min(failures - 1, 20));
        return (doubled < longest ? doubled : longest) * (0.5 + (Random.Shared.NextDouble() / 2));
    }
}
