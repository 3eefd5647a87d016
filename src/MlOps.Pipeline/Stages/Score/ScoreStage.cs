using System.Globalization;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Score;

/// <param name="Raw">The table, every part of which <see cref="ScorePartStage"/> has scored.</param>
/// <param name="Version">The model version that scored.</param>
public sealed record ScoreInput(DatasetRef Raw, int Version);

/// <param name="Scored">The scored table.</param>
/// <param name="Report">The stage's account.</param>
public sealed record ScoreOutput(DatasetRef Scored, StageReport Report) : IStageOutput
{
    IEnumerable<(string Stage, DatasetRef Version)> IStageOutput.Versions => [(DataEntry.Score, Scored)];
}

/// <summary>Joins the scored parts of a table to a dataset version: the table's columns, and what is predicted of each row.</summary>
public sealed class ScoreStage(PipelineStorage storage, DatasetStore datasets, ModelRegistry registry) : IStage<ScoreInput, ScoreOutput>
{
    /// <summary>Small files that are read at the same moment.</summary>
    private const int MostReads = 16;

    public static string Name => "score";

    /// <exception cref="InputException">The model version is gone.</exception>
    public async Task<ScoreOutput> RunAsync(StageContext context, ScoreInput input, CancellationToken cancel)
    {
        var raw = await datasets.GetAsync(input.Raw.Id, cancel);
        var ids = await ScoreIds.OfAsync(registry, context.Model, input.Version, input.Raw, cancel);
        var existing = await datasets.ReuseAsync(ids.Id, cancel);
        var scored = existing ?? await datasets.CommitAsync(await JoinAsync(raw, ids, cancel), cancel);
        var problems = scored.Notes[DatasetNotes.Problems]!.GetValue<long>();
        await context.LogMetricsAsync(
            new Dictionary<string, double> { [ScoringProgress.Metric] = scored.Rows, ["rows_with_problem"] = problems }, cancel);
        context.Log($"{scored.Rows:N0} rows scored, {problems:N0} of them with a problem: dataset version {scored.Id}");
        Tell(context, raw, await DroppedRows.ReadAsync(storage, raw, cancel), scored, problems);
        return new ScoreOutput(scored.Ref, new StageReport(scored.Rows, Reused: existing is not null));
    }

    private async Task<DatasetManifest> JoinAsync(DatasetManifest raw, ScoreIds ids, CancellationToken cancel)
    {
        var parts = new ScoredPart[raw.Parts.Count];
        await Parallel.ForAsync(
            0, parts.Length, new ParallelOptions { MaxDegreeOfParallelism = MostReads, CancellationToken = cancel },
            async (part, stop) => parts[part] = await ScoredPart.ReadAsync(storage, ids.Id, part, stop));
        var notes = new JsonObject { [DatasetNotes.Problems] = parts.Sum(part => part.Problems) };
        if (parts is [{ First: { } first }])
        {
            notes[DatasetNotes.FirstProblem] = JsonNode.Parse(Json.Write(first));
        }
        return new DatasetManifest
        {
            Id = ids.Id,
            Stage = Name,
            Parents = [raw.Id],
            Parameters = ids.Parameters,
            Columns = parts[0].Columns,
            Parts = [.. parts.Select(part => part.Part)],
            Rows = parts.Sum(part => part.Part.Rows),
            Notes = notes,
        };
    }

    private static void Tell(
        StageContext context, DatasetManifest raw, IReadOnlyList<DroppedRows> leftOut, DatasetManifest scored, long problems)
    {
        var added = scored.Columns.Skip(raw.Columns.Count).Select(column => column.Name).ToList();
        if (added[^1] != ScoreColumns.Problem || added[0] != ScoreColumns.Prediction)
        {
            context.Warn(WarningCodes.NamesTaken, $"The table has columns of the names that predictions have; those are called {string.Join(", ", added)}.");
        }
        if (raw.Notes[DatasetNotes.Ragged]?.GetValue<long>() is > 0 and var ragged)
        {
            var first = leftOut.FirstOrDefault(rows => rows.Reason == DroppedRows.Ragged);
            var example = first?.Rows is [var cells, ..] ? Warning.Shorten(string.Join(',', cells)) : null;
            context.Warn(new Warning(
                WarningCodes.RaggedRows,
                $"{Warning.Share(ragged, raw.Rows + ragged, "rows of the file", "has", "have")} another number of cells than its header"
                    + $"{(first is { Line: { } line } ? $" (the first is line {line}: '{example}')" : "")}: {(ragged == 1 ? "it is" : "they are")} not in the "
                    + "scored table.")
            {
                Count = ragged,
                Line = first?.Line,
                Example = example,
                Headline = true,
            });
        }
        if (problems > 0)
        {
            var first = scored.Notes[DatasetNotes.FirstProblem] is { } note ? Json.Read<FirstProblem>(note.ToJsonString()) : null;
            var line = first is null ? null : RowLines.Of(raw, first.Row);
            var example = first is null ? null : Warning.Shorten(first.Problem);
            context.Warn(new Warning(
                WarningCodes.NotPredicted,
                $"Nothing is predicted of {Count(problems)} of {Count(scored.Rows)} rows; column '{added[^1]}' says why"
                    + $"{(example is null ? "" : $" (the first{(line is null ? "" : $" is line {line}")}: {example})")}.")
            {
                Count = problems,
                Line = line,
                Example = example,
                Headline = true,
            });
        }
    }

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
