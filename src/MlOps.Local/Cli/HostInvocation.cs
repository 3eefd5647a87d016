using System.CommandLine;

namespace MlOps.Local.Cli;

/// <summary>What a command is given by the program that runs it, beside what the person wrote.</summary>
internal sealed class HostInvocation : InvocationConfiguration
{
    /// <summary>Adds to the services of the host that the command starts.</summary>
    public Action<IServiceCollection>? Services { get; init; }
}
