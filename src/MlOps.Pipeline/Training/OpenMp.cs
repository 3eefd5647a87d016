using System.Runtime.InteropServices;

namespace MlOps.Pipeline.Training;

/// <summary>
/// LightGBM's threads are OpenMP's, which by default spin long while they wait for each other. Next to any other load on the same cores
/// (another candidate, a web request) that made training four times slower; a short spin costs nothing measurable on idle cores.
/// Where no package can be installed, as on a serverless plan, the program brings the runtime along in its own folder.
/// </summary>
internal static class OpenMp
{
    private const string Spin = "GOMP_SPINCOUNT";
    private const string ShortSpin = "1000";
    private const string Runtime = "libgomp.so.1";

    private static readonly Lazy<bool> Prepared = new(() => OperatingSystem.IsLinux() && SpinShort() & LoadBundled());

    /// <summary>Call before LightGBM is loaded: OpenMP reads its settings once. A setting of the user's own stays.</summary>
    public static void Prepare() => _ = Prepared.Value;

    // .NET keeps its own copy of the environment; the native library reads the process's.
    private static bool SpinShort() => Environment.GetEnvironmentVariable(Spin) is not null || TryAdd($"{Spin}={ShortSpin}");

    /// <summary>
    /// Adds to the process's environment what libc's <c>setenv</c> would, except that the list as it was stays where it is: <c>setenv</c> frees a list that it
    /// has made before (a preloaded library may have called it), under the hands of a thread that reads a variable, and the process ends with a fault.
    /// </summary>
    private static unsafe bool TryAdd(string setting)
    {
        if (!NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "environ", out var environ))
        {
            return false;
        }
        var list = *(nint**)environ;
        var count = 0;
        while (list is not null && list[count] != 0)
        {
            count++;
        }
        var longer = (nint*)NativeMemory.Alloc((nuint)count + 2, (nuint)sizeof(nint));
        new ReadOnlySpan<nint>(list, count).CopyTo(new Span<nint>(longer, count));
        longer[count] = Marshal.StringToCoTaskMemUTF8(setting);
        longer[count + 1] = 0;
        Volatile.Write(ref *(nint*)environ, (nint)longer);
        return true;
    }

    // A library of this name that is loaded already is the one that LightGBM gets. One that does not fit this system is left alone.
    private static bool LoadBundled() => NativeLibrary.TryLoad(Path.Combine(AppContext.BaseDirectory, Runtime), out _);
}
