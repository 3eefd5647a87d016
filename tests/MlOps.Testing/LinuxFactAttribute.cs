using Xunit;

namespace MlOps.Testing;

/// <summary>A test of what is done on Linux only.</summary>
public sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute() => Skip = OperatingSystem.IsLinux() ? null : "It is done on Linux only.";
}
