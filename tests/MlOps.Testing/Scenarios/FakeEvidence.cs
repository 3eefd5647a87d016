using System.Collections.Concurrent;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Canary;
using MlOps.Pipeline.Training;

namespace MlOps.Testing.Scenarios;

/// <summary>Says of every version that answers beside production what a test wants to be known of it.</summary>
public sealed class FakeEvidence : ITrafficEvidence
{
    /// <summary>500 rows, none of which has feedback.</summary>
    public static ChallengerEvidence Nothing { get; } = new(500, 0, 0, "squared_error", null, null);

    /// <summary>Not told apart from production.</summary>
    public static ChallengerEvidence Same { get; } = new(500, 0, 400, "squared_error", 0.01, new Interval(-0.1, 0.12));

    /// <summary>Worse than production.</summary>
    public static ChallengerEvidence Worse { get; } = new(500, 0, 400, "squared_error", 0.5, new Interval(0.1, 0.9));

    /// <summary>Better than production.</summary>
    public static ChallengerEvidence Better { get; } = new(500, 0, 400, "squared_error", -0.5, new Interval(-0.9, -0.1));

    /// <summary>What is known from now on.</summary>
    public ChallengerEvidence Next { get; set; } = Nothing;

    /// <summary>Called before an answer.</summary>
    public Func<Task> Before { get; set; } = () => Task.CompletedTask;

    /// <summary>The shares at which it was asked.</summary>
    public ConcurrentQueue<string> Shares { get; } = new();

    public async Task<IReadOnlyDictionary<int, ChallengerEvidence>> OfAsync(string model, TrafficSplit split, CancellationToken cancel)
    {
        Shares.Enqueue(split.ToString());
        await Before();
        return split.Challengers.ToDictionary(version => version, _ => Next);
    }
}
