using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace MlOps.Testing;

/// <summary>
/// Gives child processes, and theirs, a clock that is behind or ahead, by <c>libfaketime</c>. Only the time of day is another: what has passed is counted as
/// it is, as on a machine whose clock is set. Times of files are as they are too.
/// </summary>
/// <remarks>
/// It has to be the library for several threads (<c>-m</c>), with a distance that stays: the other one, and one that reads a file for the distance, ended one
/// in ten processes of .NET with a fault of memory.
/// </remarks>
public static class FakedClock
{
    private static readonly Lazy<(string? Preload, string? WhyNot)> Library = new(Find);

    /// <summary>Why processes of this machine cannot be given another clock; null: they can.</summary>
    public static string? WhyNot => Library.Value.WhyNot;

    /// <summary>Variables of a process whose clock is behind.</summary>
    /// <param name="by">How far.</param>
    /// <param name="after">
    /// For so long its clock is right, and is set back then. A process that it starts counts anew from its own start. Null: it is behind from the start.
    /// </param>
    public static IReadOnlyDictionary<string, string?> Behind(TimeSpan by, TimeSpan? after = null) => At(-by, after);

    /// <summary>Variables of a process whose clock is ahead from the start.</summary>
    /// <param name="by">How far.</param>
    public static IReadOnlyDictionary<string, string?> Ahead(TimeSpan by) => At(by, after: null);

    private static Dictionary<string, string?> At(TimeSpan offset, TimeSpan? after) => new()
    {
        ["LD_PRELOAD"] = Library.Value.Preload,
        ["FAKETIME"] = offset.TotalSeconds.ToString("+0;-0", CultureInfo.InvariantCulture),
        ["FAKETIME_START_AFTER_SECONDS"] = after?.TotalSeconds.ToString("0", CultureInfo.InvariantCulture),
        // It never looks again at what is the same for good.
        ["FAKETIME_CACHE_DURATION"] = "100000",
        // Two releases of it, two names.
        ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
        ["DONT_FAKE_MONOTONIC"] = "1",
        ["NO_FAKE_STAT"] = "1",
    };

    /// <summary>Where the library is, the program of the same package knows.</summary>
    private static (string? Preload, string? WhyNot) Find()
    {
        if (!OperatingSystem.IsLinux())
        {
            return (null, "Only Linux gives a process another clock (faketime).");
        }
        try
        {
            string[] arguments = ["-m", "-f", "+0", "printenv", "LD_PRELOAD"];
            using var asked = Process.Start(new ProcessStartInfo("faketime", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var (answer, problem) = (asked.StandardOutput.ReadToEnd().Trim(), asked.StandardError.ReadToEnd().Trim());
            asked.WaitForExit();
            return asked.ExitCode == 0 && answer.Length > 0 ? (answer, null) : (null, $"faketime does not work here: {problem}");
        }
        catch (Win32Exception)
        {
            return (null, "There is no faketime on PATH to give a process another clock (Debian: apt-get install faketime).");
        }
    }
}
