using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Tracking;

/// <summary>A dataset version that a model has had.</summary>
/// <param name="Id">The version.</param>
/// <param name="Model">The model.</param>
/// <param name="Stage">What it is to the model: <c>raw</c>, <c>clean</c>, <c>features</c>, <c>train</c>, <c>validation</c>,
/// <c>test</c>, <c>input</c> (a raw table that was scored) or <c>score</c> (what came of that).</param>
/// <param name="Created">When it was made.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Columns">How many columns it has.</param>
/// <param name="Bytes">Bytes of its own parts; 0 for a view of another version, of which nothing is copied.</param>
/// <param name="RunId">The first run that had it; empty: it was made by itself.</param>
/// <param name="Source">The file of that run, or what it was made of.</param>
public sealed record DataEntry(
    string Id, string Model, string Stage, DateTimeOffset Created, long Rows, int Columns, long Bytes, string RunId, string Source)
{
    /// <summary>When somebody made it the newest again; null: nobody did.</summary>
    public DateTimeOffset? Restored { get; init; }

    /// <summary>What a version can be to a model, in the order of a run.</summary>
    public static IReadOnlyList<string> Stages { get; } = ["raw", "clean", "features", "train", "validation", "test", Input, Score];

    /// <summary>
    /// A raw table that was read to be scored: not among those that the model is trained on, of which the newest is <c>latest</c>.
    /// </summary>
    public const string Input = "input";

    /// <summary>A table with what a version predicts of its rows.</summary>
    public const string Score = "score";

    internal static DataEntry Of(Run run, string stage, DatasetManifest version) => Of(run.Model, stage, version, run.RunId, run.Source);

    internal static DataEntry Of(string model, string stage, DatasetManifest version, string runId, string source) => new(
        version.Id, model, stage, version.Created, version.Rows, version.Columns.Count, version.Bytes, runId, source);
}

/// <summary>A dataset version in a run.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Stage">What the version was to it.</param>
/// <param name="Id">The version.</param>
public sealed record DataUse(string RunId, string Stage, string Id);
