using System.Runtime.InteropServices;

namespace MlOps.Pipeline.Models;

/// <summary>
/// LightGBM's threads are OpenMP's, which by default spin long while they wait for each other. Next to any other load on the same cores
/// (another candidate, a web request) that made training four times slower; a short spin costs nothing measurable on idle cores.
/// </summary>
internal static partial class OpenMp
{
    private const string ShortSpin = "1000";

    private static readonly Lazy<bool> SpinningShort = new(() =>
        // .NET keeps its own copy of the environment; the native library reads the process's.
        OperatingSystem.IsLinux() && SetEnv("GOMP_SPINCOUNT", ShortSpin, overwrite: 0) == 0);

    /// <summary>Call before LightGBM is loaded: OpenMP reads its settings once. A setting of the user's own stays.</summary>
    public static bool SpinShort() => SpinningShort.Value;

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnv(string name, string value, int overwrite);
}
