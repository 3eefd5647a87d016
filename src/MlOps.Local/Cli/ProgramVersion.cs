using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;

namespace MlOps.Local.Cli;

/// <summary>Which program this is: its version, and the commit that it was built from.</summary>
/// <param name="Version">Such as <c>1.2.3</c>.</param>
/// <param name="Commit">Null when it was built from sources without their history.</param>
internal sealed record ProgramVersion(string Version, string? Commit)
{
    public static ProgramVersion Own { get; } = Parse(
        typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion);

    /// <param name="informational">The version, and behind a plus sign the commit, as the build writes them.</param>
    public static ProgramVersion Parse(string informational) => informational.Split('+', 2) switch
    {
        [var version, { Length: > 0 } commit] => new ProgramVersion(version, commit),
        var parts => new ProgramVersion(parts[0], Commit: null),
    };

    public override string ToString() => $"mlops {Version}, commit {Commit ?? "unknown"}";

    /// <summary>Makes <c>--version</c> print it.</summary>
    public static void PrintIn(RootCommand root) => root.Options.OfType<VersionOption>().Single().Action = new Print();

    private sealed class Print : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(Own);
            return ExitCode.Done;
        }
    }
}
