using System.Diagnostics;
using Xunit;

namespace MlOps.Testing;

/// <summary>A test that mounts a file system. Only root on Linux may, and in a container only where it is allowed.</summary>
public sealed class MountFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> Reason = new(WhyNot);

    public MountFactAttribute() => Skip = Reason.Value;

    private static string? WhyNot()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return "Only root on Linux may mount a file system.";
        }
        var folder = Directory.CreateTempSubdirectory("mlops-mount-").FullName;
        try
        {
            string[] arguments = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder];
            using var mount = Process.Start(new ProcessStartInfo("mount", arguments) { RedirectStandardError = true })!;
            mount.WaitForExit();
            if (mount.ExitCode != 0)
            {
                return $"This machine lets nobody mount a file system: {mount.StandardError.ReadToEnd().Trim()}";
            }
            using var unmount = Process.Start("umount", [folder]);
            unmount.WaitForExit();
            return null;
        }
        finally
        {
            Directory.Delete(folder);
        }
    }
}
