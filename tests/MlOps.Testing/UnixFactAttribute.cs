using Xunit;

namespace MlOps.Testing;

/// <summary>A test that sends signals to a process. Windows has none.</summary>
public sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute()
    {
        if (OperatingSystem.IsWindows())
        {
            Skip = "Windows has no signals to send.";
        }
    }
}
