namespace MlOps.Local.Storage;

/// <summary>A lock between processes: a file held open. The operating system lets go of it when the process dies, however it dies.</summary>
public static class ExclusiveFile
{
    /// <summary>Takes the lock, or answers null when another process holds it.</summary>
    /// <exception cref="IOException">The file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The file cannot be made.</exception>
    public static FileStream? TryOpen(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException busy) when (IsHeldByAnother(busy))
        {
            return null;
        }
    }

    /// <summary>Waits until the lock is free and takes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="onWait">Called once when there is something to wait for.</param>
    /// <param name="cancel">Stops the wait.</param>
    public static async Task<FileStream> OpenAsync(string path, Action onWait, CancellationToken cancel)
    {
        for (var attempt = 0; ; attempt++)
        {
            if (TryOpen(path) is { } file)
            {
                return file;
            }
            if (attempt == 0)
            {
                onWait();
            }
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancel);
        }
    }

    private static bool IsHeldByAnother(IOException fault)
    {
        const int SharingViolation = unchecked((int)0x80070020);
        const int WouldBlockLinux = 11;
        const int WouldBlockMac = 35;
        return fault.GetType() == typeof(IOException) && fault.HResult is SharingViolation or WouldBlockLinux or WouldBlockMac;
    }
}
