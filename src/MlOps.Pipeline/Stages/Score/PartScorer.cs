using DuckDB.NET.Data;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Scoring;

namespace MlOps.Pipeline.Stages.Score;

/// <summary>Scores the rows of one part of a table, in order, a few thousand in memory at a time.</summary>
internal sealed class PartScorer(DuckDb duckDb, ModelScorer scorer, DatasetManifest raw)
{
    private const string Scored = "scored";

    /// <summary>So few rows of a chunk are not worth another thread.</summary>
    private const int FewRows = 128;

    private readonly ScoreColumns columns = ScoreColumns.Of(raw.Columns, scorer);

    /// <summary>Writes a part with what is predicted of its rows.</summary>
    /// <param name="source">The part's file on this machine.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="scored">Told of rows that are scored.</param>
    /// <param name="cancel">Stops the work.</param>
    /// <returns>How many rows there are, of how many of them nothing is predicted, and the first of these.</returns>
    public (long Rows, long Problems, FirstProblem? First) Score(string source, string path, Action<int> scored, CancellationToken cancel)
    {
        var cells = new CellJson(raw, scorer.Signature);
        using var reading = duckDb.Open(raw.Columns.Count, cancel);
        using var writing = duckDb.Open(raw.Columns.Count, cancel);
        writing.Execute($"CREATE TEMP TABLE {Scored} ({string.Join(", ", columns.Places.Select(added => $"{added.Place} {added.Column.Type}"))})");
        var (problems, place, first) = (0L, 0L, (FirstProblem?)null);
        using (var appender = writing.Append(Scored))
        {
            reading.Read(
                $"SELECT {string.Join(", ", cells.Columns.Select(Sql.Name))} FROM read_parquet({Sql.File(source)})",
                (vectors, rows) =>
                {
                    foreach (var row in Predict(cells, vectors, rows, cancel))
                    {
                        if (Append(appender, row) is { } problem)
                        {
                            first ??= new FirstProblem(place, problem);
                            problems++;
                        }
                        place++;
                    }
                    scored(rows);
                });
        }
        // Row by row beside each other: the rows of both are in the same order, and no row has a key.
        IEnumerable<string> all =
        [
            .. raw.Columns.Select(column => $"t.{Sql.Name(column.Name)}"),
            .. columns.Places.Select(added => $"s.{added.Place} AS {Sql.Name(added.Column.Name)}"),
        ];
        var written = writing.Copy(
            $"SELECT {string.Join(", ", all)} FROM read_parquet({Sql.File(source)}) t POSITIONAL JOIN {Scored} s", path);
        return (written, problems, first);
    }

    /// <summary>The columns of what is written.</summary>
    public ScoreColumns Columns => columns;

    private PredictedCells[] Predict(CellJson cells, DuckVector[] vectors, int rows, CancellationToken cancel)
    {
        var predicted = new PredictedCells[rows];
        var slices = Math.Clamp(rows / FewRows, 1, duckDb.Threads);
        Parallel.For(0, slices, new ParallelOptions { MaxDegreeOfParallelism = duckDb.Threads, CancellationToken = cancel }, slice =>
        {
            var (from, until) = (rows * slice / slices, rows * (slice + 1) / slices);
            using var json = cells.Read(vectors, from, until, rows);
            scorer.PredictEach(json.Rows.RootElement, predicted.AsSpan(from, until - from));
            foreach (var (row, problem) in json.Problems)
            {
                predicted[row] = new PredictedCells(null, problem);
            }
        });
        return predicted;
    }

    /// <summary>Why nothing is predicted of the row; null: something is.</summary>
    private string? Append(DuckDBAppender appender, PredictedCells cells)
    {
        var problem = cells.Problem ?? (double.IsFinite(cells.Prediction!.Value.Score) ? null : "the model's answer is not a number.");
        var row = appender.CreateRow();
        if (problem is not null)
        {
            for (var i = 1; i < columns.Added.Count; i++)
            {
                row.AppendNullValue();
            }
            row.AppendValue(problem).EndRow();
            return problem;
        }
        var prediction = cells.Prediction!.Value;
        if (scorer.Task == TaskKind.Regression)
        {
            row.AppendValue(prediction.Score);
        }
        else
        {
            row.AppendValue(prediction.Label).AppendValue(prediction.Score);
        }
        foreach (var probability in prediction.Probabilities ?? [])
        {
            row.AppendValue(probability);
        }
        row.AppendNullValue().EndRow();
        return null;
    }
}
