using System.Globalization;
using Microsoft.Extensions.Configuration;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Deletion;

/// <summary>How long what is kept is kept.</summary>
/// <param name="RunDays">Days after its end that a run stays; null: for good.</param>
public sealed record RetentionOptions(int? RunDays)
{
    private const int Most = 36_500;

    /// <summary>Reads a host's settings: <c>Runs:KeepDays</c> (<c>Runs__KeepDays</c>, or <c>MLOPS_KEEP_RUNS_DAYS</c>, in the environment).</summary>
    /// <exception cref="InputException">It is no number of days.</exception>
    public static RetentionOptions Read(IConfiguration configuration) =>
        (DaysOf(configuration, "Runs:KeepDays") ?? DaysOf(configuration, "MLOPS_KEEP_RUNS_DAYS")) is { } days ? new(days) : new(RunDays: null);

    private static int? DaysOf(IConfiguration configuration, string key)
    {
        if (configuration[key] is not { Length: > 0 } text)
        {
            return null;
        }
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var days) && days is >= 1 and <= Most
            ? days
            : throw new InputException($"The setting {key} is '{text}'; it must be a number of days, 1 to {Most}. Without it runs are kept for good.");
    }
}
