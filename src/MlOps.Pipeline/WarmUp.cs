using Microsoft.ML;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline;

/// <summary>
/// Loads the native libraries and compiles the hot paths once, on rows it makes up. A host runs it while it waits for storage to start, so
/// that the first run and the first prediction do not pay for it.
/// </summary>
public sealed class WarmUp(PipelineOptions options)
{
    private const int Rows = 2_000;

    /// <summary>Never throws: what is wrong with the machine is told by the stage that needs it.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            await ReadAndWriteAsync(cancel);
            var table = FeatureTable.MadeUp(Rows);
            var ml = new MLContext(0);
            var candidate = new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 2, EarlyStopping = 0 };
            var model = new Trainers(Trainers.ContextOf(ml, table.Featurizer, table.Rows, seed: 0, options.Threads, candidate)).Fit(table);
            Evaluation.Measure(model, table, options.Threads);
            using var zip = StoredModel.Contents(ml, model, table.Featurizer)[StoredModel.ModelFile].ToStream();
            Evaluation.Measure(ml.Model.Load(zip, out _), table, options.Threads);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
        }
#pragma warning disable CA1031 // Only an optimisation: the stages report the same fault to the person whose run it stops.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }

    /// <summary>Reads a file, writes its rows and looks for equal ones, as ingestion and cleaning do.</summary>
    private async Task ReadAndWriteAsync(CancellationToken cancel)
    {
        var folder = Directory.CreateDirectory(Path.Combine(options.WorkFolder, "warm")).FullName;
        using var duckDb = new DuckDb(options, [new FeatureSqlFunctions(new FeatureFunctions([]))]);
        using var session = duckDb.Open(cancel);
        var file = Path.Combine(folder, "rows.csv");
        session.Execute($"COPY (SELECT range % 9973 / 8 AS a, range % 31 AS b, range % 7919 / 4 AS c, 'c' || range % 5 AS d FROM range({Rows})) TO "
            + $"{Sql.Text(file)} (HEADER)");
        using var source = SourceFile.OpenLocal(file);
        using var scan = await SourceScan.RunAsync(source, options with { WorkFolder = folder }, cancel);
        using var csv = new CsvTable(
            scan, source.Name, new PipelineDefinition { Model = "warm", Target = "a" }, options with { WorkFolder = folder }, cancel);
        var table = csv.Table();
        var part = PartWriter.Write(session, table, int.MaxValue, folder)[0];
        var cells = string.Join(", ", table.Columns.Select(column => Sql.Name(column.Name)));
        using var first = FirstRows.Find(
            session, new FirstRows.Query($"read_parquet({Sql.File(part.Path)}, file_row_number = true)", (int)part.Rows, cells, cells), options.Threads);
    }
}
