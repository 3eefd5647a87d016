using System.Runtime.InteropServices;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Training;

public sealed partial class OpenMpTests
{
    [LinuxFact]
    public void Native_libraries_see_the_setting_and_all_that_they_saw_before()
    {
        var before = Marshal.PtrToStringUTF8(GetEnv("PATH"));

        OpenMp.Prepare();

        Marshal.PtrToStringUTF8(GetEnv("GOMP_SPINCOUNT")).Should().Be(Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") ?? "1000");
        Marshal.PtrToStringUTF8(GetEnv("PATH")).Should().Be(before).And.NotBeNullOrEmpty();
    }

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint GetEnv(string name);
}
