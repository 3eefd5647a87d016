using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
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

    private static readonly Lazy<bool> Bundled = new(() => OperatingSystem.IsLinux() && LoadBundled());

    /// <summary>Call before LightGBM is loaded.</summary>
    public static void Prepare() => _ = Bundled.Value;

    /// <summary>
    /// OpenMP reads its settings once, from the process's environment, of which .NET keeps a copy of its own. A setting of the user's own stays.
    /// </summary>
    /// <remarks>
    /// Early, while there are few threads: <c>setenv</c> may move the environment while another thread reads it, which ends the process (POSIX: it "need not be
    /// thread-safe").
    /// </remarks>
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Whatever program this is part of: nothing that runs later is early enough.")]
    internal static void SpinShort()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = SetEnv("GOMP_SPINCOUNT", ShortSpin, overwrite: 0);
        }
    }

    // A library of this name that is loaded already is the one that LightGBM gets. One that does not fit this system is left alone.
    private static bool LoadBundled() => NativeLibrary.TryLoad(Path.Combine(AppContext.BaseDirectory, Runtime), out _);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnv(string name, string value, int overwrite);
}
