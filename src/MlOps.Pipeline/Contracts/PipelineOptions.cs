namespace MlOps.Pipeline.Contracts;

/// <summary>What a host decides about the pipeline's use of its machine.</summary>
public sealed record PipelineOptions
{
    /// <summary>Local folder for downloaded and just written parts, and for what does not fit into memory.</summary>
    public required string WorkFolder { get; init; }

    /// <summary>Most memory that one DuckDB query may use, in MiB; it spills to <see cref="WorkFolder"/> beyond.</summary>
    public int DuckDbMemoryMb { get; init; } = 512;

    /// <summary>Most disk that parts of datasets may take which are kept for later stages, in MiB; what a stage just reads stays beyond it.</summary>
    public int PartCacheMb { get; init; } = 20 * 1024;

    /// <summary>About how many rows a part of a raw table holds: one part fits well into the memory of a small worker.</summary>
    public int RowsPerPart { get; init; } = 2_500_000;

    /// <summary>Most candidates that train at the same time; fewer where their rows do not fit into half of the memory together.</summary>
    public int MostTrainings { get; init; } = Environment.ProcessorCount;

    /// <summary>
    /// Most candidates that train at the same time on all machines together, where runs are spread over machines (at least 1). Fewer than the machines have
    /// places for stages: what is quick then finds one.
    /// </summary>
    public int MostTrainingsTogether { get; init; } = 2;

    /// <summary>
    /// Most minutes that a long training of trees may take, whatever its candidate declares: for hosts whose platform ends what takes longer; null: any.
    /// </summary>
    public double? MostTrainingMinutes { get; init; }

    /// <summary>Threads of a stage.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>How much is taken of what comes from outside.</summary>
    public InputLimits Limits { get; init; } = new();
}
