using System.Runtime.InteropServices;

namespace MlOps.Pipeline.Training;

/// <summary>
/// LightGBM's threads are OpenMP's, which by default spin long while they wait for each other. Next to any other load on the same cores
/// (another candidate, a web request) that made training four times slower; a short spin costs nothing measurable on idle cores.
/// Where no package can be installed, as on a serverless plan, the program brings the runtime along in its own folder.
/// </summary>
internal static partial class OpenMp
{
    private const string ShortSpin = "1000";
    private const string Runtime = "libgomp.so.1";

    private static readonly Lazy<bool> Prepared = new(() => OperatingSystem.IsLinux() && SpinShort() & LoadBundled());

    /// <summary>Call before LightGBM is loaded: OpenMP reads its settings once. A setting of the user's own stays.</summary>
    public static void Prepare() => _ = Prepared.Value;

    // .NET keeps its own copy of the environment; the native library reads the process's.
    private static bool SpinShort() => SetEnv("GOMP_SPINCOUNT", ShortSpin, overwrite: 0) == 0;

    // A library of this name that is loaded already is the one that LightGBM gets. One that does not fit this system is left alone.
    private static bool LoadBundled() => NativeLibrary.TryLoad(Path.Combine(AppContext.BaseDirectory, Runtime), out _);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnv(string name, string value, int overwrite);
}
