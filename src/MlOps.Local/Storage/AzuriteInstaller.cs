using System.Diagnostics;

namespace MlOps.Local.Storage;

/// <summary>
/// Installs the pinned Azurite from npm on first use, into a per-user folder that all data folders and test runs share:
/// <c>{local application data}/mlops-functions/azurite-{version}</c>, or under environment variable <c>MLOPS_TOOLS</c>.
/// </summary>
public static class AzuriteInstaller
{
    public const string Version = "3.37.0";

    /// <summary>Environment variable that names another folder for installed tools.</summary>
    public const string ToolsVariable = "MLOPS_TOOLS";

    /// <summary>The folder beside the program that holds the lock file and the launcher.</summary>
    internal static string Shipped { get; } = Path.Combine(AppContext.BaseDirectory, "azurite");

    /// <summary>Installs Azurite unless it is there, and returns its folder. Processes that start at the same moment install it once.</summary>
    /// <param name="tools">Where Node.js is.</param>
    /// <param name="progress">Told one line when there is something to wait for.</param>
    /// <param name="cancel">Stops the installation; a half-installed Azurite does not stay.</param>
    /// <exception cref="EnvironmentProblemException">npm failed, or the folder cannot be written.</exception>
    public static async Task<string> EnsureInstalledAsync(NodeTools tools, Action<string> progress, CancellationToken cancel)
    {
        var root = Environment.GetEnvironmentVariable(ToolsVariable) is { Length: > 0 } given ? Path.GetFullPath(given) : DefaultRoot;
        var installed = Path.Combine(root, $"azurite-{Version}");
        if (Directory.Exists(installed))
        {
            return installed;
        }
        try
        {
            Directory.CreateDirectory(root);
            await using var single = await ExclusiveFile.OpenAsync(
                installed + ".lock", () => progress($"Waiting for another process that installs Azurite {Version}…"), cancel);
            if (!Directory.Exists(installed))
            {
                progress($"Installing Azurite {Version} (first use, about a minute)…");
                await InstallAsync(tools, root, installed, cancel);
            }
            return installed;
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            throw new EnvironmentProblemException(
                $"Azurite cannot be installed into '{root}': {unwritable.Message} Set {ToolsVariable} to a folder that can be written.", unwritable);
        }
    }

    private static string DefaultRoot => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } folder
            ? folder
            : Path.GetTempPath(),
        "mlops-functions");

    /// <summary>Installs into a folder of its own and renames it at the end, so that the final name stands for a complete installation only.</summary>
    private static async Task InstallAsync(NodeTools tools, string root, string installed, CancellationToken cancel)
    {
        // Alone here by the lock: what is unfinished is what a killed process left.
        foreach (var abandoned in Directory.GetDirectories(root, "unfinished-*"))
        {
            Directory.Delete(abandoned, recursive: true);
        }
        var unfinished = Directory.CreateDirectory(Path.Combine(root, $"unfinished-{Guid.NewGuid():N}")).FullName;
        try
        {
            foreach (var file in new[] { "package.json", "package-lock.json" })
            {
                File.Copy(Path.Combine(Shipped, file), Path.Combine(unfinished, file));
            }
            await RunNpmAsync(tools, unfinished, cancel);
            Directory.Move(unfinished, installed);
        }
        finally
        {
            if (Directory.Exists(unfinished))
            {
                Directory.Delete(unfinished, recursive: true);
            }
        }
    }

    private static async Task RunNpmAsync(NodeTools tools, string folder, CancellationToken cancel)
    {
        string[] arguments = ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--engine-strict=false", "--loglevel=error"];
        var start = new ProcessStartInfo(tools.Npm, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = Path.GetDirectoryName(tools.Node) + Path.PathSeparator + Environment.GetEnvironmentVariable("PATH");
        using var npm = Process.Start(start)!;
        try
        {
            npm.StandardInput.Close();
            var output = npm.StandardOutput.ReadToEndAsync(cancel);
            var errors = await npm.StandardError.ReadToEndAsync(cancel);
            await output;
            await npm.WaitForExitAsync(cancel);
            if (npm.ExitCode != 0)
            {
                throw new EnvironmentProblemException(
                    $"Azurite {Version} could not be installed: npm said '{LastLines(errors)}'. "
                    + "Check the network and npm's registry setting, or pass --storage with a connection string.");
            }
        }
        finally
        {
            if (!npm.HasExited)
            {
                npm.Kill(entireProcessTree: true);
                await npm.WaitForExitAsync(CancellationToken.None);
            }
        }
    }

    private static string LastLines(string text) =>
        string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).TakeLast(5));
}
