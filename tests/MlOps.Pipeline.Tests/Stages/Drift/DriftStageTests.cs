using System.Globalization;
using MlOps.Drift;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports.Drift;
using MlOps.Pipeline.Stages.Drift;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages.Drift;

[Collection(AzuriteFixture.Collection)]
public sealed class DriftStageTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_first_run_compares_validation_with_training_rows_only_and_finds_no_drift()
    {
        await using var host = new PipelineHost(azurite);

        var run = await host.RunAsync(
            Trips.Definition() with { Gates = new GateRules { Drift = DriftGate.Block } }, host.WriteFile("trips.csv", Trips.Csv(3000, seed: 61)));

        run.Run.State.Should().Be(RunState.Succeeded);
        var report = await ReportAsync(host, run);
        var comparison = report.Comparisons.Should().ContainSingle().Subject;
        (comparison.Name, comparison.Drifted, comparison.Columns).Should().Be(("validation", false, 7));
        comparison.Scores.Select(score => score.Column).Should()
            .BeEquivalentTo("vendor", "passengers", "seconds", "miles", "payment", "seconds_x_miles", "fare");
        comparison.Scores.Single(score => score.Column == "miles").Test.Should().Be("wasserstein");
        comparison.Scores.Single(score => score.Column == "passengers").Test.Should().Be("jensenshannon");
        run.Metrics.Should().Contain("drift_columns_read", 14).And.Contain("drift_columns", 14);
    }

    [Theory]
    [InlineData(DriftGate.Block)]
    [InlineData(DriftGate.Warn)]
    [InlineData(DriftGate.Ignore)]
    public async Task A_drifted_batch_is_blocked_warned_about_or_ignored_as_declared(DriftGate gate)
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with { Gates = new GateRules { Drift = gate } };
        await host.RunAsync(definition, host.WriteFile("first.csv", Trips.Csv(1500, seed: 62)));

        var run = await host.RunAsync(definition, host.WriteFile("drifted.csv", Drifted(Trips.Csv(1500, seed: 63))));

        var drift = run.Stages.Single(stage => stage.Stage == DriftStage.Name);
        (await ReportAsync(host, run)).Comparisons.Select(comparison => (comparison.Name, comparison.Drifted)).Should()
            .Equal(("validation", false), ("production", true));
        run.Metrics["drift_production_share"].Should().BeGreaterThanOrEqualTo(0.5);
        run.Run.BlockedBy.Any(reason => reason.StartsWith("drift: ", StringComparison.Ordinal)).Should().Be(gate == DriftGate.Block);
        (drift.Warnings?.Any(warning => warning.Text.StartsWith("drift: ", StringComparison.Ordinal)) ?? false).Should().Be(gate == DriftGate.Warn);
        if (gate == DriftGate.Block)
        {
            run.Run.State.Should().Be(RunState.Blocked);
            run.Run.BlockedBy.Single().Should()
                .Match("drift: * of 7 columns of the training rows differ from the training rows of version 1 (share 0.*, limit 0.50): *");
            (await host.Get<ModelRegistry>().FindAsync(definition.Model, default))!.Production.Should().Be(1);
        }
    }

    [Fact]
    public async Task A_column_has_the_test_and_threshold_that_are_declared_for_it()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with
        {
            Columns = new Dictionary<string, ColumnRule>
            {
                ["miles"] = new() { Drift = new DriftRule(DriftTestKind.PopulationStability, 1e-9) },
                ["vendor"] = new() { Drift = new DriftRule(Threshold: 0.9) },
                ["payment"] = new() { Drift = new DriftRule(DriftTestKind.Wasserstein, 5) },
            },
        };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(1000, seed: 64)));

        var scores = (await ReportAsync(host, run)).Comparisons[0].Scores.ToDictionary(score => score.Column);
        (scores["miles"].Test, scores["miles"].Threshold, scores["miles"].Rule, scores["miles"].Drifted).Should().Be(("psi", 1e-9, "distance ≥ 1E-09", true));
        (scores["vendor"].Test, scores["vendor"].Threshold).Should().Be(("chisquare", 0.9));
        (scores["payment"].Test, scores["payment"].Threshold).Should().Be(("z", 0.05));
        scores["payment"].Note.Should().Contain("'wasserstein' needs numbers".Replace("'", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task New_categories_nulls_and_columns_of_one_side_are_told()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with { Columns = new Dictionary<string, ColumnRule> { ["vendor"] = new() { Required = false } } };
        await host.RunAsync(definition, host.WriteFile("first.csv", Trips.Csv(1500, seed: 65)));
        var lines = Trips.Csv(1500, seed: 66).TrimEnd('\n').Split('\n');
        var changed = lines.Select((line, i) => i == 0 ? line.Replace(
            "payment", "paid_by", StringComparison.Ordinal) : i % 3 == 0 ? "NEW" + line[3..] : i % 5 == 0 ? line[3..] : line);

        var run = await host.RunAsync(definition, host.WriteFile("second.csv", string.Join('\n', changed)));

        var comparison = (await ReportAsync(host, run)).Comparisons.Single(comparison => comparison.Name == "production");
        comparison.OnlyInReference.Should().Equal("payment");
        comparison.OnlyInCurrent.Should().Equal("paid_by");
        var vendor = comparison.Scores.Single(score => score.Column == "vendor");
        (vendor.Drifted, vendor.NewCategories, vendor.LostCategories).Should().Be((true, 1, 0));
        vendor.NewExamples.Should().Equal("NEW");
        vendor.Reference.Missing.Should().Be(0);
        vendor.Current.Missing.Should().BeGreaterThan(100);
    }

    [Fact]
    public async Task The_reference_profile_is_kept_with_its_version_and_used_again()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition();
        var first = await host.RunAsync(definition, host.WriteFile("first.csv", Trips.Csv(1000, seed: 67)));
        var train = (await host.Get<ModelRegistry>().GetAsync(definition.Model, first.Run.Version!.Value, default)).Lineage.Train;
        var blob = host.Storage.Datasets.GetBlobClient($"{train}/drift-profile-1.bin");
        (await blob.ExistsAsync(default)).Value.Should().BeTrue();
        var written = (await blob.GetPropertiesAsync(cancellationToken: default)).Value.LastModified;
        Directory.Delete(Path.Combine(host.WorkFolder, "datasets"), recursive: true);

        var second = await host.RunAsync(definition, host.WriteFile("second.csv", Trips.Csv(1000, seed: 68)));

        (await ReportAsync(host, second)).Comparisons.Should().HaveCount(2);
        (await blob.GetPropertiesAsync(cancellationToken: default)).Value.LastModified.Should().Be(written);
        (await host.Get<DatasetStore>().GetAsync(train, default)).Rows.Should().BeGreaterThan(700);
    }

    internal static async Task<DriftReport> ReportAsync(PipelineHost host, RunDetails run)
    {
        var artifact = run.Artifacts.Single(artifact => artifact.Path == "drift.json");
        return Json.Read<DriftReport>((await host.Get<ArtifactStore>().ReadAsync(artifact.Blob, default)).ToString());
    }

    /// <summary>The same trips, three times as far.</summary>
    private static string Drifted(string csv) => string.Join('\n', csv.TrimEnd('\n').Split('\n').Select((line, i) =>
    {
        var cells = line.Split(',');
        return i == 0 ? line : string.Join(',', cells[0], cells[1], Tripled(cells[2]), Tripled(cells[3]), cells[4], Tripled(cells[5]));
    }));

    private static string Tripled(string cell) => (3 * decimal.Parse(cell, CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture);
}
