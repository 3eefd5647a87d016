using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports.Drift;
using MlOps.Pipeline.Stages.Clean;
using MlOps.Pipeline.Stages.Drift;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class ByPartsTests(AzuriteFixture azurite)
{
    private const int Rows = 3000;
    private const int RowsPerPart = 700;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Part_by_part_a_run_ends_as_in_one_piece(bool fillsNulls)
    {
        var definition = Trips.Definition() with
        {
            Columns = fillsNulls ? new Dictionary<string, ColumnRule> { ["miles"] = new() { Impute = new ImputeRule(ImputeStrategy.Median) } } : [],
            Cleaning = new CleaningRules(Duplicates: fillsNulls ? Duplicates.Drop : null),
            Gates = new GateRules { Drift = DriftGate.Block },
        };
        var csv = WithGaps(Trips.Csv(Rows, seed: 91));

        var whole = await RunAsync(definition, csv, scalesOut: false);
        var parts = await RunAsync(definition with { Model = AzuriteFixture.UniqueModel() }, csv, scalesOut: true);

        whole.Run.Stages.Select(stage => stage.Stage).Should().NotContain([CleanPartStage.Name, DriftPartStage.Name]);
        var count = (int)Math.Ceiling(Rows / (double)RowsPerPart);
        parts.Run.Stages.Where(stage => stage.Stage == CleanPartStage.Name).Should()
            .HaveCountGreaterThanOrEqualTo(count).And.OnlyContain(stage => stage.State == StageState.Succeeded);
        parts.Run.Stages.Where(stage => stage.Stage == DriftPartStage.Name).Should()
            .HaveCountGreaterThanOrEqualTo(count).And.OnlyContain(stage => stage.State == StageState.Succeeded);
        parts.Run.Run.State.Should().Be(RunState.Succeeded);
        parts.Lineage.Should().Be(whole.Lineage);
        parts.Clean.Should()
            .BeEquivalentTo(
                whole.Clean,
                options => options.Excluding(manifest => manifest.Created).Excluding(manifest => manifest.Notes).Excluding(manifest => manifest.Parameters));
        parts.Clean.Notes.ToJsonString().Should().Be(whole.Clean.Notes.ToJsonString());
        whole.Dropped.Select(reason => (reason.Reason, reason.Rows.Count)).Should().Equal((fillsNulls ? "duplicate" : "null: miles", DroppedRows.MostRows));
        Json.Write(parts.Dropped).Should().Be(Json.Write(whole.Dropped));
        parts.Run.Metrics["val_rmse"].Should().Be(whole.Run.Metrics["val_rmse"]);
        // Moments are added in another order, which the last digits show.
        foreach (var (part, all) in Scores(parts.Drift).Zip(Scores(whole.Drift)))
        {
            (part.Column, part.Drifted).Should().Be((all.Column, all.Drifted));
            part.Score.Should().BeApproximately(all.Score, 1e-12);
        }
    }

    [Fact]
    public async Task A_part_that_is_done_twice_is_done_once()
    {
        await using var host = Host();
        var definition = Trips.Definition();
        var first = await RunAsync(host, definition, WithGaps(Trips.Csv(Rows, seed: 92)), scalesOut: true);
        var stage = host.Get<CleanPartStage>();
        var run = first.Run.Run;

        var again = await Task.WhenAll(
            Enumerable.Range(0, 2).Select(_ => stage.RunAsync(host.Context(run), new CleanPartInput(new DatasetRef(first.Lineage.Raw, Rows), 1), default)));
        var profiled = await host.Get<DriftPartStage>()
            .RunAsync(host.Context(run), new DriftPartInput(new DatasetRef(first.Lineage.Train, 0), new DatasetRef(first.Lineage.Validation, 0), 1), default);

        again.Should()
            .OnlyContain(output => output.Report.Reused && output.Report.Rows == first.Run.Stages.Single(
                done => done.Stage == CleanPartStage.Name && done.Key == "1").Rows);
        profiled.Report.Reused.Should().BeTrue();
    }

    [Fact]
    public async Task A_small_table_is_not_divided()
    {
        await using var host = Host();

        var run = await RunAsync(host, Trips.Definition(), Trips.Csv(RowsPerPart / 2, seed: 93), scalesOut: true);

        run.Run.Stages.Select(stage => stage.Stage).Should().NotContain([CleanPartStage.Name, DriftPartStage.Name]);
    }

    [Fact]
    public async Task What_is_wrong_with_the_whole_is_said_of_the_whole()
    {
        await using var host = Host();
        var csv = string.Join(
            '\n',
            Trips.Csv(Rows, seed: 94).Split('\n')
                .Select((line, i) => i > 0 && line.Length > 0 && i % 3 > 0 ? "," + line[(line.IndexOf(',', StringComparison.Ordinal) + 1)..] : line));
        ((InlineEngine)host.Get<IPipelineEngine>()).ScalesOut = true;

        var run = await host.RunAsync(Trips.Definition(), host.WriteFile("trips.csv", csv));

        run.Run.State.Should().Be(RunState.Failed);
        run.Run.Error.Should()
            .Be("Cleaning would drop 2000 of 3000 rows, more than the allowed 50 %: 2000 null: vendor. Fill nulls with 'impute', declare columns "
                + "'ignore' or 'required': false, widen their rules, or raise cleaning.maxDropped.");
    }

    private async Task<Outcome> RunAsync(PipelineDefinition definition, string csv, bool scalesOut)
    {
        await using var host = Host();
        var outcome = await RunAsync(host, definition, csv, scalesOut);
        await ForgetAsync(host.Storage, outcome);
        return outcome;
    }

    private static async Task<Outcome> RunAsync(PipelineHost host, PipelineDefinition definition, string csv, bool scalesOut)
    {
        ((InlineEngine)host.Get<IPipelineEngine>()).ScalesOut = scalesOut;
        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", csv));
        run.Run.Error.Should().BeNull();
        var lineage = (await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default)).Lineage;
        var clean = await host.Get<DatasetStore>().GetAsync(lineage.Clean, default);
        var drift = await host.Get<ArtifactStore>().ReadAsync(run.Artifacts.Single(artifact => artifact.Path == DriftReport.FileName).Blob, default);
        return new Outcome(run, lineage, clean, Json.Read<DriftReport>(drift.ToString()), await DroppedRows.ReadAsync(host.Storage, clean, default));
    }

    private PipelineHost Host() => new(azurite, services => services.ChangeOptions(options => options with { RowsPerPart = RowsPerPart }));

    /// <summary>What a run has made of its file, so that the next one does not find it done.</summary>
    private static async Task ForgetAsync(PipelineStorage storage, Outcome outcome)
    {
        var lineage = outcome.Lineage;
        foreach (var id in (string[])[lineage.Raw, lineage.Clean, lineage.Features, lineage.Train, lineage.Validation, .. outcome.Clean.Parents])
        {
            await foreach (var blob in storage.Datasets.GetBlobsAsync(default, default, id + "/", default))
            {
                await storage.Datasets.GetBlobClient(blob.Name).DeleteAsync();
            }
        }
    }

    /// <summary>Some rows without miles, and some twice.</summary>
    private static string WithGaps(string csv)
    {
        var lines = csv.Split('\n');
        for (var i = 1; i < Rows; i += 50)
        {
            var cells = lines[i].Split(',');
            cells[3] = "";
            lines[i] = string.Join(',', cells);
            lines[i + 1] = lines[i + 2];
        }
        return string.Join('\n', lines);
    }

    private static IEnumerable<(string Column, double Score, bool Drifted)> Scores(DriftReport report) =>
        report.Comparisons.SelectMany(comparison => comparison.Scores).OrderBy(score => score.Column, StringComparer.Ordinal)
            .Select(score => (score.Column, score.Score!.Value, score.Drifted));

    private sealed record Outcome(RunDetails Run, ModelLineage Lineage, DatasetManifest Clean, DriftReport Drift, IReadOnlyList<DroppedRows> Dropped);
}
