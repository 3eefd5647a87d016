using System.Diagnostics;
using System.Globalization;

namespace MlOps.Local.Storage;

/// <summary>
/// An Azurite whose host was killed lives on for a moment, to save. The next one must not open the same files before it is gone.
/// </summary>
internal static class AzuriteOrphan
{
    /// <summary>Between how long after a boot it was, and which boot.</summary>
    private const string SinceBoot = "@";

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>Writes down which process uses the folder.</summary>
    public static void Remember(string folder, Process azurite) => File.WriteAllText(
        PidFile(folder), string.Create(CultureInfo.InvariantCulture, $"{azurite.Id} {StartOf(azurite)}"));

    /// <summary>Waits until the folder's last Azurite has ended; ends it by force when it hangs.</summary>
    public static async Task WaitUntilGoneAsync(string folder, Action<string> progress, CancellationToken cancel)
    {
        using var orphan = Find(folder);
        if (orphan is null)
        {
            return;
        }
        progress("Waiting for the storage of an earlier start to finish saving…");
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(Longest);
        try
        {
            await orphan.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            orphan.Kill();
            await orphan.WaitForExitAsync(cancel);
        }
    }

    private static Process? Find(string folder)
    {
        if (!File.Exists(PidFile(folder)) || File.ReadAllText(PidFile(folder)).Split(' ') is not [var idText, var start]
            || !int.TryParse(idText, CultureInfo.InvariantCulture, out var id))
        {
            return null;
        }
        try
        {
            var process = Process.GetProcessById(id);
            if (IsSame(process, start))
            {
                return process;
            }
            process.Dispose();
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException or IOException or System.ComponentModel.Win32Exception)
        {
        }
        return null;
    }

    /// <summary>Process ids are used again by the system; start times with them are not.</summary>
    private static bool IsSame(Process process, string start) => start.Contains(SinceBoot, StringComparison.Ordinal)
        ? StartOf(process) == start
        : long.TryParse(start, CultureInfo.InvariantCulture, out var ticks) && Math.Abs(TimeOf(process) - ticks) < TimeSpan.FromSeconds(2).Ticks;

    /// <summary>
    /// When a process started. Linux knows how long after the machine that was, and reckons the time of day anew whenever it is asked for: another one once the
    /// clock was set. Elsewhere, and in what earlier releases wrote down, it is the time of day.
    /// </summary>
    private static string StartOf(Process process)
    {
        const int StartTime = 22;
        if (!OperatingSystem.IsLinux())
        {
            return TimeOf(process).ToString(CultureInfo.InvariantCulture);
        }
        // Fields of proc_pid_stat(5). The second is the program's name in brackets, with whatever signs that has.
        var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Id}/stat"));
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return $"{fields[StartTime - 3]}{SinceBoot}{File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()}";
    }

    /// <summary>It is read with a tick's inaccuracy.</summary>
    private static long TimeOf(Process process) => process.StartTime.ToUniversalTime().Ticks;

    private static string PidFile(string folder) => Path.Combine(folder, "azurite.pid");
}
