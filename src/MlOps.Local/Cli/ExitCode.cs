namespace MlOps.Local.Cli;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    /// <summary>The run failed, or a gate blocked it and <c>--require-promotion</c> was given, or what was asked for cannot be done.</summary>
    public const int Failed = 1;
    /// <summary>The command line or the machine is not as it must be.</summary>
    public const int Usage = 2;
    /// <summary>Ctrl+C before the end.</summary>
    public const int Interrupted = 130;
}
