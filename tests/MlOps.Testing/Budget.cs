using System.Diagnostics;

namespace MlOps.Testing;

/// <summary>
/// Tells whether something took too long. Other tests and other work share the machine: too long is what took longer by the clock, and of which this
/// process worked as long; or what took thirty times as long by the clock, as something that hangs does not work.
/// </summary>
public readonly struct Budget
{
    /// <summary>Beside other work that has all the cores, what takes a tenth of a second alone took more than ten.</summary>
    private const int Hangs = 30;

    private readonly long started;
    private readonly TimeSpan worked;

    private Budget(long started, TimeSpan worked) => (this.started, this.worked) = (started, worked);

    public static Budget Start() => new(Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);

    public bool IsOver(TimeSpan most) => Stopwatch.GetElapsedTime(started) is var passed && passed > most
        && (passed > most * Hangs || Environment.CpuUsage.TotalTime - worked > most);
}
