using MlOps.Local.Storage;

namespace MlOps.Local.Hosting;

/// <summary>A data folder for one reproduction, which goes with it.</summary>
internal sealed class ScratchFolder : IDisposable
{
    private const string Prefix = "mlops-reproduce-";

    /// <summary>Whoever has just made a folder has not taken it yet.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromHours(1);

    private ScratchFolder(string path) => FullName = path;

    public string FullName { get; }

    /// <summary>Makes one, and removes those of processes that were killed.</summary>
    public static ScratchFolder Create()
    {
        foreach (var left in Directory.EnumerateDirectories(Path.GetTempPath(), Prefix + "*").Where(IsAbandoned))
        {
            Delete(left);
        }
        return new ScratchFolder(Directory.CreateTempSubdirectory(Prefix).FullName);
    }

    public void Dispose() => Delete(FullName);

    private static bool IsAbandoned(string folder)
    {
        try
        {
            if (Directory.GetLastWriteTimeUtc(folder) > DateTime.UtcNow - Settled)
            {
                return false;
            }
            DataFolder.Open(folder).Dispose();
            return true;
        }
        catch (EnvironmentProblemException)
        {
            // Somebody works in it, or it is another user's.
            return false;
        }
    }

    private static void Delete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // The reproduction has ended as it has; what is left of its folder goes with a later one.
        }
    }
}
