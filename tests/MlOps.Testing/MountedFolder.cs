using System.Diagnostics;
using System.Globalization;

namespace MlOps.Testing;

/// <summary>A folder on a small file system of its own, or seen through one that cannot be written.</summary>
public sealed class MountedFolder : IDisposable
{
    private readonly string filler;

    private MountedFolder(string path) => (Path, filler) = (path, System.IO.Path.Combine(path, "filler"));

    public string Path { get; }

    /// <summary>Empty, and soon full.</summary>
    public static MountedFolder Small(int megabytes)
    {
        var path = Directory.CreateTempSubdirectory("mlops-small-").FullName;
        Run("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={megabytes}m"), "tmpfs", path);
        return new MountedFolder(path);
    }

    /// <summary>A folder's content, which cannot be changed here.</summary>
    public static MountedFolder ReadOnly(string folder)
    {
        var path = Directory.CreateTempSubdirectory("mlops-read-only-").FullName;
        Run("mount", "--bind", folder, path);
        Run("mount", "-o", "remount,bind,ro", path);
        return new MountedFolder(path);
    }

    /// <summary>Takes all the room that there is.</summary>
    public void Fill()
    {
        using var file = new FileStream(filler, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
        foreach (var size in new[] { 1 << 20, 1 << 12, 1 })
        {
            try
            {
                while (true)
                {
                    file.Write(new byte[size]);
                }
            }
            catch (IOException)
            {
                // No room for that much any more.
            }
        }
    }

    /// <summary>Gives the room back.</summary>
    public void Free() => File.Delete(filler);

    public void Dispose()
    {
        Run("umount", "--lazy", Path);
        Directory.Delete(Path);
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var problem = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {problem}");
        }
    }
}
