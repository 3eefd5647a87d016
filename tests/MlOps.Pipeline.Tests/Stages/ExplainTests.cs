using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.ML;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports.Explain;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Stages.Explain;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class ExplainTests(AzuriteFixture azurite)
{
    private static readonly string[] Files =
        [ExplanationFiles.Page, ExplanationFiles.ImportancePicture, ExplanationFiles.SummaryPicture, ExplanationFiles.Values];

    [Theory]
    [InlineData(TrainerNames.LightGbm, "TreeSHAP")]
    [InlineData(TrainerNames.Sdca, "linear model")]
    public async Task A_run_keeps_page_pictures_and_values(string trainer, string method)
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with { Candidates = [new CandidateSpec { Trainer = trainer, Trees = 20 }] };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(1000, seed: 61)));

        run.Stages.Single(stage => stage.Stage == "explain").Should()
            .Match<StageStatus>(stage => stage.State == StageState.Succeeded && stage.Warnings == null);
        var page = await TextAsync(host, run, ExplanationFiles.Page);
        page.Should().StartWith("<!DOCTYPE html>").And.Contain(method).And.Contain("seconds_x_miles").And.Contain("<svg").And.NotContain("http://localhost");
        foreach (var picture in new[] { ExplanationFiles.ImportancePicture, ExplanationFiles.SummaryPicture })
        {
            (await BytesAsync(host, run, picture))[..8].Should().Equal(0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10);
        }
        var lines = (await TextAsync(host, run, ExplanationFiles.Values)).TrimEnd('\n').Split('\n');
        lines[0].Should().Be("prediction,base_value,vendor,passengers,seconds,miles,payment,seconds_x_miles");
        lines.Skip(1).Should().HaveCount((int)run.Stages.Single(stage => stage.Stage == "explain").Rows!.Value).And.OnlyContain(line => AddsUp(line));
    }

    [Fact]
    public async Task The_same_model_again_is_not_explained_again()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition();
        var path = host.WriteFile("trips.csv", Trips.Csv(800, seed: 62));
        var first = await host.RunAsync(definition, path);

        var again = await host.RunAsync(definition with { Model = AzuriteFixture.UniqueModel() }, path);

        again.Stages.Single(stage => stage.Stage == "explain").State.Should().Be(StageState.Reused);
        foreach (var file in Files)
        {
            again.Artifacts.Single(artifact => artifact.Path == file).Should().Be(first.Artifacts.Single(artifact => artifact.Path == file));
        }
    }

    [Fact]
    public async Task Names_are_data_and_show_as_text()
    {
        await using var host = new PipelineHost(azurite);
        const string Odd = "<script>alert(1)</script> & \"miles\"";
        var csv = Trips.Csv(800, seed: 63).Replace("miles", $"\"{Odd.Replace("\"", "\"\"", StringComparison.Ordinal)}\"", StringComparison.Ordinal)
            .Replace("CMT", "<b>CMT</b>", StringComparison.Ordinal);

        var run = await host.RunAsync(Trips.Definition() with { Features = new FeatureRules() }, host.WriteFile("trips.csv", csv));

        run.Run.Error.Should().BeNull();
        var page = await TextAsync(host, run, ExplanationFiles.Page);
        page.Should().NotContain("<script").And.NotContain("<b>").And.Contain("&lt;script&gt;alert(1)&lt;/script&gt;");
        (await TextAsync(host, run, ExplanationFiles.Values)).Should().Contain("\"<script>alert(1)</script> & \"\"miles\"\"\"");
    }

    [Fact]
    public async Task Without_SHAP_values_permutation_importance_is_shown_and_said()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition();
        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(800, seed: 64)));
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        var blobs = await StoreAdditiveModelAsync(host, version);

        var context = host.Context(run.Run);
        var explained = await host.Get<ExplainStage>().RunAsync(
            context, new ExplainInput(
                new TrainedCandidate("0-gam", blobs, version.Metrics), new DatasetRef(version.Lineage.Train, 0),
                new DatasetRef(version.Lineage.Validation, 0)), default);

        explained.Kind.Should().Be(ExplainerKind.Permutation);
        context.Warnings.Should().ContainSingle().Which.Text.Should().Contain("permutation importance").And.Contain("Gam");
        var page = await TextAsync(host, (await host.Get<RunStore>().FindDetailsAsync(run.Run.RunId, default))!, ExplanationFiles.Page);
        page.Should().Contain("Permutation importance instead of SHAP values").And.Contain("GamRegressionModelParameters").And.NotContain("Three predictions");
    }

    [Fact]
    public async Task A_promotion_stands_though_its_explanation_fails()
    {
        await using var host = new PipelineHost(azurite, services => services.AddSingleton<ExplainStage>(_ => throw new InputException("No pens.")));

        var run = await host.RunAsync(Trips.Definition(), host.WriteFile("trips.csv", Trips.Csv(800, seed: 65)));

        run.Run.State.Should().Be(RunState.Succeeded);
        run.Run.Promoted.Should().BeTrue();
        run.Stages.Single(stage => stage.Stage == "explain").Should()
            .Match<StageStatus>(stage => stage.State == StageState.Failed && stage.Error == "No pens.");
    }

    /// <summary>A generalised additive model: neither trees nor linear.</summary>
    private static async Task<string> StoreAdditiveModelAsync(PipelineHost host, ModelVersion version)
    {
        var featurizer = (await StoredModel.LoadAsync(host.Get<ArtifactStore>(), version.ToFiles(), default)).Featurizer;
        var datasets = host.Get<DatasetStore>();
        var table = await host.Get<FeatureTableCache>()
            .GetAsync(await datasets.OpenAsync(await datasets.GetAsync(version.Lineage.Train, default), default), featurizer, default);
        var ml = new MLContext(1);
        var model = ml.Regression.Trainers.Gam(FeatureView.Label, FeatureView.Features, numberOfIterations: 200).Fit(new FeatureView(table));
        var blobs = $"models/{Guid.NewGuid():N}";
        foreach (var (file, content) in StoredModel.Contents(ml, model, featurizer))
        {
            await host.Storage.Artifacts.GetBlobClient($"{blobs}/{file}").UploadAsync(content);
        }
        return blobs;
    }

    private static bool AddsUp(string line)
    {
        double[] cells = [.. line.Split(',').Select(cell => double.Parse(cell, CultureInfo.InvariantCulture))];
        return Math.Abs(cells[0] - cells[1..].Sum()) < 1e-4;
    }

    private static async Task<string> TextAsync(PipelineHost host, RunDetails run, string path) =>
        System.Text.Encoding.UTF8.GetString(await BytesAsync(host, run, path));

    private static async Task<byte[]> BytesAsync(PipelineHost host, RunDetails run, string path) =>
        (await host.Get<ArtifactStore>().ReadAsync(run.Artifacts.Single(artifact => artifact.Path == path).Blob, default)).ToArray();
}
