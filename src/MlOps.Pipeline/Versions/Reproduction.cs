namespace MlOps.Pipeline.Versions;

/// <summary>A run that is, or was, run again from its raw rows on a storage of its own, and whether it came to the same.</summary>
public sealed record Reproduction
{
    /// <summary>The run.</summary>
    public required string RunId { get; init; }

    public required ReproductionState State { get; init; }

    /// <summary>Who asked for it.</summary>
    public required string By { get; init; }

    public required DateTimeOffset Started { get; init; }

    /// <summary>Left out while it goes on, and where its host ended in between.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>How many facts the run has that were to be the same: rows and bytes of tables, bytes of models, metrics.</summary>
    public int? Facts { get; init; }

    /// <summary>The first fact that is another one, in the order of the run; left out where all are the same.</summary>
    public FactDifference? Difference { get; init; }

    /// <summary>How it ended, in words; left out while it goes on.</summary>
    public string? Text { get; init; }
}

/// <summary>How far a reproduction is.</summary>
public enum ReproductionState
{
    /// <summary>It goes on.</summary>
    Running,
    /// <summary>All facts are the same.</summary>
    Same,
    /// <summary>One at least is another.</summary>
    Different,
    /// <summary>Nothing could be compared: the text says why.</summary>
    Failed,
}

/// <summary>A fact that is not the same.</summary>
/// <param name="What">What it is a fact of, such as <c>metric val_rmse</c>.</param>
/// <param name="Was">The fact of the run; left out where the run has none of it.</param>
/// <param name="Is">What it is when run again; left out where it is missing then.</param>
public sealed record FactDifference(string What, string? Was, string? Is);

/// <summary>Reproduces runs in the background, one at a time. A host that has no place for a storage of their own has none of this.</summary>
public interface IReproducer
{
    /// <summary>Starts the reproduction of a run, unless one goes on.</summary>
    /// <param name="run">The run.</param>
    /// <param name="by">Who asks.</param>
    /// <param name="cancel">Stops the start, not the reproduction.</param>
    /// <returns>
    /// The one that goes on now: the run's own, begun now or before, or that of another run, and then nothing was started.
    /// </returns>
    /// <exception cref="Contracts.InputException">There is nothing to run again.</exception>
    Task<Reproduction> ReproduceAsync(Tracking.RunDetails run, string by, CancellationToken cancel);

    /// <summary>The latest reproduction of a run; null when none was asked for.</summary>
    Task<Reproduction?> FindAsync(string runId, CancellationToken cancel);
}
