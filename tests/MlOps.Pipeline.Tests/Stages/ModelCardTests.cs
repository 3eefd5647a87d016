using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Explain;
using MlOps.Pipeline.Stages.ModelCard;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class ModelCardTests(AzuriteFixture azurite)
{
    private static readonly CandidateSpec Trees = new() { Trainer = TrainerNames.LightGbm, Trees = 20 };

    [Fact]
    public async Task A_card_tells_what_a_version_is_and_how_it_came_about()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with
        {
            Owner = "fleet team",
            IntendedUse = "estimate before a trip",
            Limits = "one city only",
            Candidates = [Trees, new CandidateSpec { Trainer = TrainerNames.FastTree, Trees = 2 }],
            Gates = new GateRules { AtMost = 50 },
        };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(1000, seed: 71)));

        run.Stages.Single(stage => stage.Stage == ModelCardStage.Name).Should().Match<StageStatus>(stage => stage.State == StageState.Succeeded);
        foreach (var card in new[] { await TextAsync(host, run, ModelCardStage.Page), await TextAsync(host, run, ModelCardStage.MarkdownFile) })
        {
            var text = System.Net.WebUtility.HtmlDecode(card).Replace("\\", "", StringComparison.Ordinal);
            text.Should()
                .Contain("fleet team").And.Contain("estimate before a trip").And.Contain("one city only").And.Contain(
                    "Promoted to production; the first version there");
            text.Should()
                .Contain(run.Run.RunId).And.Contain("seconds × miles").And.Contain("rmse at most 50").And.Contain("0-lightgbm (this version)")
                .And.Contain("1-fasttree").And.Contain("min_rows_per_leaf");
            foreach (var id in await LineageAsync(host, run))
            {
                text.Should().Contain(id);
            }
            text.Should()
                .Contain(
                    run.Stages.Single(stage => stage.Stage == "train" && stage.Key == "0-lightgbm").Rows!.Value.ToString("N0", CultureInfo.InvariantCulture));
            text.Should()
                .Contain(run.Metrics["0-lightgbm.rmse"].ToString("G5", CultureInfo.InvariantCulture)).And.Contain(
                    run.Metrics["1-fasttree.rmse"].ToString("G5", CultureInfo.InvariantCulture));
            text.Should().Contain("explain.html").And.Contain("drift.html").And.Contain("0-lightgbm/model.zip");
        }
        var page = await TextAsync(host, run, ModelCardStage.Page);
        page.Should()
            .StartWith("<!DOCTYPE html>").And.Contain("data:image/png;base64,").And.Contain("Predicted against true").And.NotContain("http://localhost");
    }

    [Fact]
    public async Task A_card_compares_with_the_version_it_replaced_on_the_same_rows()
    {
        await using var host = new PipelineHost(azurite);
        var path = host.WriteFile("trips.csv", Trips.Csv(1200, seed: 72));
        var definition = Trips.Definition();
        await host.RunAsync(definition with { Candidates = [Trees with { Trees = 2 }] }, path);

        var better = await host.RunAsync(definition, path);
        var worse = await host.RunAsync(definition with { Candidates = [Trees with { Trees = 3 }] }, path);

        better.Run.Promoted.Should().BeTrue();
        var promoted = await TextAsync(host, better, ModelCardStage.Page);
        promoted.Should()
            .Contain("in place of version 1").And.Contain("version 1, replaced").And.Contain(
                better.Metrics["production_r2"].ToString("G5", CultureInfo.InvariantCulture));
        promoted.Should().Contain("Gain over version 1 in rmse, on the rows by which both can be judged: "
            + better.Metrics["gain_over_production"].ToString("G5", CultureInfo.InvariantCulture)).And.Contain("The interval does not hold 0.");
        worse.Run.Promoted.Should().BeFalse();
        var blocked = await TextAsync(host, worse, ModelCardStage.Page);
        blocked.Should().Contain("Registered, not promoted").And.Contain("version 2, in production").And.Contain(worse.Run.BlockedBy.Single());
    }

    [Fact]
    public async Task A_card_says_where_two_versions_cannot_be_told_apart()
    {
        await using var host = new PipelineHost(azurite);
        var path = host.WriteFile("trips.csv", Trips.Csv(1200, seed: 72));
        var definition = Trips.Definition();
        await host.RunAsync(definition, path);

        var again = await host.RunAsync(definition, path);

        again.Metrics["gain_over_production"].Should().Be(0);
        foreach (var card in new[] { await TextAsync(host, again, ModelCardStage.Page), await TextAsync(host, again, ModelCardStage.MarkdownFile) })
        {
            System.Net.WebUtility.HtmlDecode(card).Replace("\\", "", StringComparison.Ordinal).Should().Contain(
                "Gain over version 1 in rmse, on the rows by which both can be judged: 0 (95 % interval 0 to 0). The interval holds 0: the two cannot be "
                + "told apart.");
        }
    }

    [Fact]
    public async Task A_card_traces_filled_nulls_back_to_the_rows_that_were_kept_and_only_the_raw_table_to_a_file()
    {
        await using var host = new PipelineHost(azurite);
        var definition =
            Trips.Definition() with { Columns = new Dictionary<string, ColumnRule> { ["miles"] = new() { Impute = new ImputeRule(ImputeStrategy.Median) } } };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(800, seed: 78)));

        var rows = (await TextAsync(host, run, ModelCardStage.MarkdownFile)).Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .Select(line => line.Split(" | ")).ToList();
        var origin = rows.Where(row => row.Length == 4).Select(row => (Role: row[0][2..], From: row[3].TrimEnd(' ', '|'))).ToList();
        origin.Should().Contain([("rows kept", "raw"), ("clean", "rows kept"), ("features", "clean"), ("train", "features")]);
        origin.Where(version => version.From.StartsWith("file of SHA-256", StringComparison.Ordinal)).Should().ContainSingle().Which.Role.Should().Be("raw");
    }

    [Fact]
    public async Task A_card_names_who_approved_and_shows_how_probable_positives_are()
    {
        await using var host = new PipelineHost(azurite);
        ((InlineEngine)host.Get<IPipelineEngine>()).Approval = new ApprovalDecision(true, "Ann", "checked against May").ToPayload();
        var definition = Trips.Definition() with
        {
            Target = "payment",
            Features = new FeatureRules(),
            Gates = new GateRules { Approval = new ApprovalRule(Required: true) },
        };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(1000, seed: 73)));

        var page = await TextAsync(host, run, ModelCardStage.Page);
        page.Should().Contain("approved by Ann: checked against May").And.Contain("ROC curve").And.Contain("Calibration").And.Contain("payment = CSH or CRD");
    }

    [Fact]
    public async Task Names_are_data_and_show_as_text_on_page_and_in_Markdown()
    {
        await using var host = new PipelineHost(azurite);
        const string Odd = "<script>alert(1)</script> | \"miles\"";
        var csv = Trips.Csv(800, seed: 74).Replace("miles", $"\"{Odd.Replace("\"", "\"\"", StringComparison.Ordinal)}\"", StringComparison.Ordinal);
        var definition = Trips.Definition() with { Features = new FeatureRules(), Owner = "<b>us</b>", Limits = "[no](javascript:x) `code`" };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", csv));

        (await TextAsync(host, run, ModelCardStage.Page)).Should()
            .NotContain("<script").And.NotContain("<b>us").And.Contain("&lt;script&gt;alert(1)&lt;/script&gt;");
        (await TextAsync(host, run, ModelCardStage.MarkdownFile)).Should()
            .Contain("""\<script\>alert(1)\</script\> \| "miles" |""").And.Contain("""\[no\](javascript:x) \`code\`""").And.NotMatchRegex("""[^\\]<""");
    }

    [Fact]
    public async Task A_promotion_stands_though_its_card_fails_and_a_card_can_do_without_an_explanation()
    {
        await using var unwritten = new PipelineHost(azurite, services => services.AddSingleton<ModelCardStage>(_ => throw new InputException("No paper.")));
        await using var unexplained = new PipelineHost(azurite, services => services.AddSingleton<ExplainStage>(_ => throw new InputException("No pens.")));

        var withoutCard = await unwritten.RunAsync(Trips.Definition(), unwritten.WriteFile("trips.csv", Trips.Csv(800, seed: 75)));
        var withoutPictures = await unexplained.RunAsync(Trips.Definition(), unexplained.WriteFile("trips.csv", Trips.Csv(800, seed: 76)));

        (withoutCard.Run.State, withoutCard.Run.Promoted).Should().Be((RunState.Succeeded, true));
        (await TextAsync(unexplained, withoutPictures, ModelCardStage.Page)).Should()
            .Contain("Gates").And.NotContain("data:image/png").And.NotContain("What drives the predictions");
    }

    [Fact]
    public async Task The_same_card_again_is_the_same()
    {
        await using var host = new PipelineHost(azurite);
        var run = await host.RunAsync(Trips.Definition(), host.WriteFile("trips.csv", Trips.Csv(800, seed: 77)));
        var first = await TextAsync(host, run, ModelCardStage.MarkdownFile);
        var version = await host.Get<ModelRegistry>().GetAsync(run.Run.Model, 1, default);
        var candidate = new TrainedCandidate(
            version.Candidate, version.ModelBlobs,
            run.Metrics.Where(metric => metric.Key.StartsWith("0-lightgbm.", StringComparison.Ordinal))
                .ToDictionary(metric => metric.Key[11..], metric => metric.Value));

        await host.Get<ModelCardStage>().RunAsync(host.Context(run.Run), new ModelCardInput(1, null, true, [], [candidate]), default);

        (await TextAsync(host, run, ModelCardStage.MarkdownFile)).Should().Be(first);
    }

    private static async Task<IEnumerable<string>> LineageAsync(PipelineHost host, RunDetails run)
    {
        var lineage = (await host.Get<ModelRegistry>().GetAsync(run.Run.Model, run.Run.Version!.Value, default)).Lineage;
        return [lineage.Raw, lineage.Clean, lineage.Features, lineage.Train, lineage.Validation];
    }

    private static async Task<string> TextAsync(PipelineHost host, RunDetails run, string path) =>
        (await host.Get<ArtifactStore>().ReadAsync(run.Artifacts.Single(artifact => artifact.Path == path).Blob, default)).ToString();
}
