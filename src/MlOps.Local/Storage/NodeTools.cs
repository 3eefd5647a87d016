using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace MlOps.Local.Storage;

/// <summary>The Node.js installation that embedded storage needs.</summary>
/// <param name="Node">Path of <c>node</c>.</param>
/// <param name="Npm">Path of <c>npm</c>.</param>
public sealed record NodeTools(string Node, string Npm)
{
    private const int OldestMajor = 20;

    private const string Missing =
        "Node.js 20 or later is needed: install it from https://nodejs.org and try again, or pass --storage with a connection string.";

    /// <summary>Looks in PATH.</summary>
    /// <exception cref="EnvironmentProblemException">Node.js is missing or too old.</exception>
    public static async Task<NodeTools> FindAsync(CancellationToken cancel)
    {
        var tools = new NodeTools(
            FindInPath(OperatingSystem.IsWindows() ? "node.exe" : "node"), FindInPath(OperatingSystem.IsWindows() ? "npm.cmd" : "npm"));
        var version = await VersionAsync(tools.Node, cancel);
        return version >= OldestMajor ? tools : throw new EnvironmentProblemException(Missing);
    }

    private static string FindInPath(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(folder => Path.Combine(folder, name))
        .FirstOrDefault(File.Exists) ?? throw new EnvironmentProblemException(Missing);

    private static async Task<int> VersionAsync(string node, CancellationToken cancel)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(node, "--version") { RedirectStandardOutput = true })!;
            var text = await process.StandardOutput.ReadToEndAsync(cancel);
            await process.WaitForExitAsync(cancel);
            var major = text.Trim().TrimStart('v').Split('.')[0];
            return int.TryParse(major, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
        }
        catch (Win32Exception broken)
        {
            throw new EnvironmentProblemException(Missing, broken);
        }
    }
}
