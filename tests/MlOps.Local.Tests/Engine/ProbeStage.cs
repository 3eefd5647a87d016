using System.Collections.Concurrent;
using MlOps.Pipeline.Stages;

namespace MlOps.Local.Tests.Engine;

public sealed record ProbeInput(string Key);

public sealed record ProbeOutput(int Call) : IStageOutput
{
    public StageReport Report { get; } = new(Rows: 1);
}

/// <summary>What the probe stages of one test do and what was seen of them; shared by all engines of the test.</summary>
public sealed class Probe
{
    private readonly ConcurrentDictionary<string, int> calls = new();
    private readonly Lock counting = new();
    private readonly ConcurrentQueue<string> order = new();

    /// <summary>Does the stage's work; given the call's number, counted from 1, within the key.</summary>
    public Func<string, int, CancellationToken, Task> Work { get; set; } = (_, _, _) => Task.CompletedTask;

    public int MostAtOnce { get; private set; }

    public IReadOnlyList<string> Order => [.. order];

    private int now;

    public int Calls(string key) => calls.GetValueOrDefault(key);

    public async Task<int> RunAsync(string key, CancellationToken cancel)
    {
        order.Enqueue(key);
        var call = calls.AddOrUpdate(key, 1, (_, count) => count + 1);
        lock (counting)
        {
            MostAtOnce = Math.Max(MostAtOnce, ++now);
        }
        try
        {
            await Work(key, call, cancel);
            return call;
        }
        finally
        {
            lock (counting)
            {
                now--;
            }
        }
    }
}

public sealed class ProbeStage(Probe probe) : IStage<ProbeInput, ProbeOutput>
{
    public static string Name => "probe";

    public static Stage<ProbeInput, ProbeOutput> Kind { get; } = Stage.Of<ProbeStage, ProbeInput, ProbeOutput>();

    public async Task<ProbeOutput> RunAsync(StageContext context, ProbeInput input, CancellationToken cancel) => new(await probe.RunAsync(input.Key, cancel));
}
