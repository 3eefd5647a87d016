using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Cases;

/// <summary>
/// Small files as people have them, whose target is a simple function of the other columns: read rightly, they score near 1. Each goes
/// from the file, as a new user gives it, to the trained model.
/// </summary>
[Collection(AzuriteFixture.Collection)]
public sealed class OrdinaryFileTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly string model = AzuriteFixture.UniqueModel();
    private PipelineHost host = null!;

    public Task InitializeAsync()
    {
        host = new PipelineHost(azurite);
        File.WriteAllText("/tmp/schema.json", DefinitionSchema.Write());
        return Task.CompletedTask;
    }

    public Task DisposeAsync() => host.DisposeAsync().AsTask();

    [Theory]
    [InlineData("01-dot-thousands.csv", "miete", "val_r2", 0.97)]
    [InlineData("02-dmy-sorted.csv", "cost", "val_r2", 0.97)]
    [InlineData("03-dmy-dots.csv", "cost", "val_r2", 0.97)]
    [InlineData("04-na-category.csv", "price", "val_r2", 0.97)]
    [InlineData("05-space-after-comma.csv", "income", "val_auc", 0.9)]
    [InlineData("06-question-mark.csv", "mpg", "val_r2", 0.9)]
    [InlineData("07-timestamps.csv", "y", "val_r2", 0.97)]
    [InlineData("08-equal-rows.csv", "survived", "val_auc", 0.6)]
    [InlineData("11-large-target.csv", "closes_at", "val_r2", 0.97)]
    [InlineData("12b-large-ints.csv", "y", "val_r2", 0.97)]
    [InlineData("13-unnamed-index.csv", "y", "val_r2", -1)]
    [InlineData("14b-bool-then-unknown.csv", "won", "val_auc", 0.5)]
    [InlineData("14c-mixed-category.csv", "y", "val_r2", 0.97)]
    [InlineData("15-cp1252.csv", "n", "val_r2", 0.9)]
    [InlineData("16b-mixed-eol.csv", "y", "val_r2", 0.97)]
    [InlineData("16c-lf-header-crlf-body.csv", "y", "val_r2", 0.97)]
    [InlineData("17-trailing-rows.csv", "y", "val_r2", 0.9)]
    [InlineData("18-sep-line.csv", "y", "val_r2", 0.9)]
    [InlineData("19-apostrophes.csv", "y", "val_r2", 0.97)]
    [InlineData("20-tiny-regression.csv", "y", "val_r2", -100)]
    [InlineData("21-one-percent.csv", "fraud", "val_auc", 0)]
    [InlineData("22-percent-currency.csv", "y", "val_r2", 0.97)]
    [InlineData("23b-zip-and-codes.csv", "y", "val_r2", 0.97)]
    [InlineData("26-date-format-changes.csv", "y", "val_r2", 0.97)]
    [InlineData("27-spaces.data", "mpg", "val_r2", 0.7)]
    [InlineData("30-target-spelling.csv", "churn", "val_auc", 0)]
    [InlineData("31-types.parquet", "y", "val_r2", 0.97)]
    [InlineData("33-pandas.parquet", "y", "val_r2", -1)]
    [InlineData("34-nan.parquet", "y", "val_r2", 0.9)]
    [InlineData("35-bigint.parquet", "y", "val_r2", 0.97)]
    [InlineData("39b-hourly.csv", "y", "val_r2", 0.97)]
    [InlineData("40-serve.csv", "y", "val_r2", 0.97)]
    [InlineData("41-zero-dates.csv", "y", "val_r2", 0.97)]
    [InlineData("42-us-thousands-few.csv", "sales", "val_r2", 0.97)]
    [InlineData("58-year-headers.csv", "y", "val_r2", 0.9)]
    [InlineData("62-inch-marks.csv", "price", "val_r2", 0.97)]
    [InlineData("62b-quote-at-start.csv", "price", "val_r2", 0.97)]
    [InlineData("68-own-date-parts.csv", "y", "val_r2", 0.97)]
    [InlineData("data[1].csv", "y", "val_r2", 0.9)]
    [InlineData("what?.csv", "y", "val_r2", 0.9)]
    public async Task A_file_is_read_as_it_is_meant(string file, string target, string metric, double least)
    {
        var path = CaseFiles.Path(file);
        RunDetails details;
        try
        {
            var definition = await host.Get<DefinitionInference>().InferAsync(path, target, model, task: null, ignore: [], CancellationToken.None);
            File.AppendAllText("/tmp/cases.out", $"== {file}\n{DefinitionJson.Write(definition)}\n");
            details = await host.RunAsync(definition, path);
        }
        catch (Exception e)
        {
            File.AppendAllText("/tmp/cases.out", $"== {file} FAILED {e.Message}\n{e.StackTrace}\n");
            throw;
        }
        File.AppendAllText("/tmp/cases.out", $"{details.Run.State} {details.Run.Error} {string.Join(", ", details.Metrics.Where(m => m.Key.StartsWith("val_") || m.Key.StartsWith("dropped")).Select(m => $"{m.Key}={m.Value:G5}"))}\n"
            + string.Join("", details.Stages.SelectMany(s => s.Warnings ?? []).Select(w => $"  {(w.Headline ? "!" : "-")} {w.Text}\n")));

        details.Run.State.Should().Be(RunState.Succeeded, details.Run.Error);
        details.Metrics[metric].Should().BeGreaterThan(least);
    }
}

/// <summary>The files of <c>tests/data/cases</c>.</summary>
internal static class CaseFiles
{
    public static string Path(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "cases", name);
}
