using System.Diagnostics;
using System.Globalization;

namespace MlOps.Local.Storage;

/// <summary>
/// An Azurite whose host was killed lives on for a moment, to save. The next one must not open the same files before it is gone.
/// </summary>
internal static class AzuriteOrphan
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>Writes down which process uses the folder.</summary>
    public static void Remember(string folder, Process azurite) => File.WriteAllText(
        PidFile(folder), string.Create(CultureInfo.InvariantCulture, $"{azurite.Id} {azurite.StartTime.ToUniversalTime().Ticks}"));

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
        if (!File.Exists(PidFile(folder)) || File.ReadAllText(PidFile(folder)).Split(' ') is not [var idText, var ticksText]
            || !int.TryParse(idText, CultureInfo.InvariantCulture, out var id) || !long.TryParse(ticksText, CultureInfo.InvariantCulture, out var ticks))
        {
            return null;
        }
        try
        {
            var process = Process.GetProcessById(id);
            if (IsSame(process, ticks))
            {
                return process;
            }
            process.Dispose();
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
        }
        return null;
    }

    /// <summary>Process ids are used again by the system; start times with them are not. They are read with a tick's inaccuracy.</summary>
    private static bool IsSame(Process process, long startTicks) =>
        Math.Abs(process.StartTime.ToUniversalTime().Ticks - startTicks) < TimeSpan.FromSeconds(2).Ticks;

    private static string PidFile(string folder) => Path.Combine(folder, "azurite.pid");
}
