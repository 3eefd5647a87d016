using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Score;

/// <param name="Raw">The table.</param>
/// <param name="Part">Which of its parts.</param>
/// <param name="Version">The model version that scores.</param>
public sealed record ScorePartInput(DatasetRef Raw, int Part, int Version);

public sealed record ScorePartOutput(StageReport Report) : IStageOutput;

/// <summary>
/// Scores one part of a table with a model version, as <c>/predict</c> would answer for each row; <see cref="ScoreStage"/> joins the parts. A part that is
/// written is not scored again.
/// </summary>
public sealed class ScorePartStage(
    PipelineStorage storage, DatasetStore datasets, ModelRegistry registry, ArtifactStore artifacts, FeatureFunctions functions, DuckDb duckDb,
    ScoringProgress progress)
    : IStage<ScorePartInput, ScorePartOutput>
{
    public static string Name => "score-part";

    /// <exception cref="InputException">The model version is gone, or the table lacks columns that it reads.</exception>
    public async Task<ScorePartOutput> RunAsync(StageContext context, ScorePartInput input, CancellationToken cancel)
    {
        var raw = await datasets.GetAsync(input.Raw.Id, cancel);
        var ids = await ScoreIds.OfAsync(registry, context.Model, input.Version, input.Raw, cancel);
        if (await datasets.ReuseAsync(ids.Id, cancel) is { } existing)
        {
            return new ScorePartOutput(new StageReport(existing.Parts[input.Part].Rows, Reused: true));
        }
        if (await ScoredPart.FindAsync(storage, ids.Id, input.Part, cancel) is { } written)
        {
            return new ScorePartOutput(new StageReport(written.Part.Rows, Reused: true));
        }
        var scorer = await ModelScorer.LoadAsync(artifacts, functions, ids.Version.ToFiles(), cancel);
        CellJson.Check(raw.Columns, scorer.Signature);
        var source = (await datasets.OpenAsync(raw, input.Part, cancel)).Paths[0];
        var metric = raw.Parts.Count == 1 ? ScoringProgress.Metric : string.Create(
            CultureInfo.InvariantCulture, $"{ScoringProgress.Metric}_part_{input.Part}");
        var folder = datasets.NewDraftFolder();
        try
        {
            var part = await progress.FollowAsync(
                context, metric, told => ScoreAsync(new PartScorer(duckDb, scorer, raw), source, Path.Combine(folder, "scored.parquet"), told, cancel));
            if (part.Local.Rows != raw.Parts[input.Part].Rows)
            {
                throw new InvalidOperationException(
                    $"Part {input.Part} of {raw.Id} has {raw.Parts[input.Part].Rows} rows, of which {part.Local.Rows} were scored.");
            }
            var stored = await datasets.StoreAsync(ids.Id, part.Local, cancel);
            await new ScoredPart(stored, part.Columns, part.Problems) { First = part.First }.SaveAsync(storage, ids.Id, input.Part, cancel);
            return new ScorePartOutput(new StageReport(stored.Rows));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task<(LocalPart Local, IReadOnlyList<DatasetColumn> Columns, long Problems, FirstProblem? First)> ScoreAsync(
        PartScorer scorer, string source, string path, Action<int> told, CancellationToken cancel) => Task.Run(
            () =>
            {
                var (rows, problems, first) = scorer.Score(source, path, told, cancel);
                return (new LocalPart(path, rows), scorer.Columns.All, problems, first);
            },
            cancel);
}
