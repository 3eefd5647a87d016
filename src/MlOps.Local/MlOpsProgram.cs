using MlOps.Local.Cli;

namespace MlOps.Local;

/// <summary>The local host and all its commands, for a program that adds to them: what it adds is there whatever the command.</summary>
public static class MlOpsProgram
{
    /// <summary>Runs a command line to its end.</summary>
    /// <param name="args">The program's arguments; none: the demo.</param>
    /// <param name="configure">Adds to the host's services, such as <c>services => services.AddMlOps(…)</c>.</param>
    /// <returns>The exit code: 0 done, 1 the run failed, 2 usage or environment, 130 interrupted.</returns>
    public static Task<int> RunAsync(string[] args, Action<IServiceCollection>? configure = null) => CommandLine.RunAsync(args, configure);
}
