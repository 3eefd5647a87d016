using Xunit;

namespace MlOps.Testing;

/// <summary>A test that sends signals to a process, or has bash read something. Windows has neither.</summary>
public sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute()
    {
        if (OperatingSystem.IsWindows())
        {
            Skip = "Windows has no signals to send, and no bash.";
        }
    }
}
