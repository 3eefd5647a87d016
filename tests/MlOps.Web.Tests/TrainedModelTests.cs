using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Lineage;
using MlOps.Serving.Models;
using MlOps.Testing;

namespace MlOps.Web.Tests;

/// <summary>The whole way over HTTP with a model that is really trained: upload, declare, run, predict.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class TrainedModelTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly string model = AzuriteFixture.UniqueModel();
    private WebHost host = null!;

    public async Task InitializeAsync() => host = await WebHost.StartAsync(azurite.NewStorage(), services => services
        .Replace(ServiceDescriptor.Singleton<IScorerLoader, ArtifactScorerLoader>())
        .Replace(ServiceDescriptor.Singleton<IPipelineEngine, InlineEngine>()));

    public async Task DisposeAsync() => await host.DisposeAsync();

    [Fact]
    public async Task A_regression_model_predicts_what_its_artifact_predicts()
    {
        await TrainAsync("price", row => (2 + (3 * row.Size) + (row.Colour == "red" ? 5 : 0)).ToString("0.00", CultureInfo.InvariantCulture));
        const string Row = """{"size": 4.5, "colour": "red"}""";

        var one = await AskAsync("features", Row).ShouldBeAsync(HttpStatusCode.OK);
        var many = await AskAsync("rows", $$"""[{{Row}}, {"size": 4.5, "colour": "never seen"}]""").ShouldBeAsync(HttpStatusCode.OK);

        var stored = await host.Get<ModelRegistry>().GetAsync(model, 1, default);
        var scorer = await ModelScorer.LoadAsync(host.Get<ArtifactStore>(), host.Get<FeatureFunctions>(), stored.ToFiles(), default);
        var expected = scorer.Predict([JsonDocument.Parse(Row).RootElement])[0].Score;
        ((double)one["prediction"]!).Should().Be(expected).And.BeApproximately(20.5, 3);
        ((double)many["predictions"]![0]!).Should().Be(expected);
        ((int)one["version"]!).Should().Be(1);
        one.AsObject().Should().NotContainKey("probability");

        // What is tried comes to the same, with how it comes about, and is told to nobody.
        var tried = await host.Client.PostJsonAsync($"/models/{model}/versions/1/try", $$"""{"features": {{Row}}}""").ShouldBeAsync(HttpStatusCode.OK);
        ((double)tried["prediction"]!, (string)tried["variant"]!).Should().Be((expected, "version"));
        tried["contributions"]!.AsObject().Sum(part => (double)part.Value!).Should().BeApproximately(expected - (double)tried["baseValue"]!, 1e-3);
        ((double)tried["interval"]!["low"]!).Should().BeLessThan(expected);
        await host.Client.PostJsonAsync($"/models/{model}/versions/7/try", $$"""{"features": {{Row}}}""").ShouldFailAsync(HttpStatusCode.NotFound);
        await host.Client.PostJsonAsync($"/models/{model}/versions/1/try", """{"features": [1]}""").ShouldFailAsync(HttpStatusCode.BadRequest);

        // Many rows are shared out between threads; members may stand in any order.
        var rows = Enumerable.Range(0, 1_500)
            .Select(i => RowOf(i % 3 == 0 ? $$"""{"colour": "red", "size": {{i % 90}}}""" : $$"""{"size": {{i % 70}}.5, "colour": "blue"}""")).ToList();
        scorer.Predict(rows, threads: 4).Select(row => row.Score).Should().Equal(rows.Select(row => scorer.Predict([row])[0].Score));
        IReadOnlyList<JsonElement> bad = [RowOf("""{"size": 1}"""), RowOf("""{"size": "x", "colour": "red"}""")];
        var wrong = () => scorer.Predict([.. rows.Take(1_000), bad[0], .. rows.Take(400), bad[1]], threads: 4);
        wrong.Should().Throw<InputException>().Which.Problems.Select(problem => problem.Split(':')[0]).Should().Equal("rows[1000]", "rows[1401]");

        static JsonElement RowOf(string json) => JsonDocument.Parse(json).RootElement;
    }

    [Fact]
    public async Task An_interval_lies_around_the_prediction_and_is_wider_at_a_higher_level_and_left_out_where_nobody_asks()
    {
        await TrainAsync("price", row => (2 + (3 * row.Size) + (row.Colour == "red" ? 5 : 0)).ToString("0.00", CultureInfo.InvariantCulture));
        const string Row = """{"size": 4.5, "colour": "red"}""";

        var plain = await AskAsync("features", Row).ShouldBeAsync(HttpStatusCode.OK);
        var half = await AskAsync("interval\": 0.5, \"features", Row).ShouldBeAsync(HttpStatusCode.OK);
        var many = await AskAsync("interval\": 0.9, \"rows", $"[{Row}, {Row}]").ShouldBeAsync(HttpStatusCode.OK);
        var never = await AskAsync("interval\": 1, \"features", Row).ShouldBeProblemAsync(HttpStatusCode.BadRequest);

        plain.AsObject().Should().NotContainKeys("interval", "set");
        var (low, high) = ((double)half["interval"]!["low"]!, (double)half["interval"]!["high"]!);
        ((double)half["prediction"]!).Should().Be((double)plain["prediction"]!).And.BeInRange(low, high);
        many["intervals"]!.AsArray().Should().HaveCount(2);
        ((double)many["intervals"]![1]!["high"]! - (double)many["intervals"]![1]!["low"]!).Should().BeGreaterThan(high - low);
        many.AsObject().Should().NotContainKey("sets");
        ((string)never["detail"]!).Should().Contain("interval").And.Contain("0.99");
    }

    [Fact]
    public async Task A_set_of_labels_is_one_where_the_model_is_sure()
    {
        await TrainAsync("bought", row => row.Size > 5 ? "yes" : "no");

        var one = await AskAsync("interval\": 0.8, \"features", """{"size": 9, "colour": "red"}""").ShouldBeAsync(HttpStatusCode.OK);
        var many = await AskAsync("interval\": 0.8, \"rows", """[{"size": 9, "colour": "red"}, {"size": 1, "colour": "red"}]""")
            .ShouldBeAsync(HttpStatusCode.OK);

        one["set"]!.ToJsonString().Should().Be("""["yes"]""");
        many["sets"]!.ToJsonString().Should().Be("""[["yes"],["no"]]""");
        one.AsObject().Should().NotContainKey("interval");
    }

    [Fact]
    public async Task A_version_without_intervals_says_what_to_do()
    {
        await TrainAsync("price", row => (2 + (3 * row.Size)).ToString("0.00", CultureInfo.InvariantCulture));
        var version = await host.Get<ModelRegistry>().GetAsync(model, 1, default);
        await host.Get<PipelineStorage>().Artifacts.GetBlobClient($"{version.ModelBlobs}/intervals.json").DeleteAsync();

        var answer = await AskAsync("interval\": 0.9, \"features", """{"size": 4.5, "colour": "red"}""").ShouldBeProblemAsync(HttpStatusCode.BadRequest);

        ((string)answer["detail"]!).Should().Be(
            "This version was trained by a release that made no intervals: leave out 'interval', or start a new run, whose version has them.");
        await AskAsync("features", """{"size": 4.5, "colour": "red"}""").ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_explained_prediction_is_base_value_and_contributions()
    {
        await TrainAsync("price", row => (2 + (3 * row.Size) + (row.Colour == "red" ? 5 : 0)).ToString("0.00", CultureInfo.InvariantCulture));
        const string Row = """{"size": 9, "colour": "red"}""";

        var one = await AskAsync("features", Row + """, "explain": true""").ShouldBeAsync(HttpStatusCode.OK);
        var many = await AskAsync("rows", $$"""[{{Row}}, {"size": 1, "colour": "blue"}], "explain": true""").ShouldBeAsync(HttpStatusCode.OK);
        var plain = await AskAsync("features", Row + """, "explain": false""").ShouldBeAsync(HttpStatusCode.OK);

        var contributions = one["contributions"]!.AsObject().ToDictionary(member => member.Key, member => (double)member.Value!);
        contributions.Keys.Should().BeEquivalentTo("size", "colour");
        contributions["size"].Should().BePositive();
        ((double)one["baseValue"]! + contributions.Values.Sum()).Should().BeApproximately((double)one["prediction"]!, 1e-4);
        ((string)one["contributionUnit"]!).Should().Be("prediction");
        ((double)many["contributions"]![0]!["size"]!).Should().Be(contributions["size"]);
        ((double)many["contributions"]![1]!["size"]!).Should().BeNegative();
        plain.AsObject().Should().NotContainKey("contributions").And.NotContainKey("baseValue").And.NotContainKey("contributionUnit");
    }

    [Fact]
    public async Task An_explained_probability_is_in_log_odds()
    {
        await TrainAsync("bought", row => row.Size > 5 ? "yes" : "no");

        var one = await AskAsync("features", """{"size": 9, "colour": "red"}, "explain": true""").ShouldBeAsync(HttpStatusCode.OK);

        var logOdds = (double)one["baseValue"]! + one["contributions"]!.AsObject().Sum(member => (double)member.Value!);
        (1 / (1 + Math.Exp(-logOdds))).Should().BeApproximately((double)one["probability"]!, 1e-5);
        ((string)one["contributionUnit"]!).Should().Be("log-odds");
    }

    [Fact]
    public async Task A_version_that_is_not_explained_yet_says_so_and_explains_once_it_is()
    {
        await TrainAsync("price", row => row.Size.ToString("0.00", CultureInfo.InvariantCulture));
        var version = await host.Get<ModelRegistry>().GetAsync(model, 1, default);
        var blob = host.Get<PipelineStorage>().Artifacts.GetBlobClient($"{version.ModelBlobs}/explainer.json");
        var content = (await blob.DownloadContentAsync()).Value.Content;
        await blob.DeleteAsync();

        var early = await AskAsync("features", """{"size": 9, "colour": "red"}, "explain": true""").ShouldFailAsync(HttpStatusCode.BadRequest);
        await blob.UploadAsync(content);
        var later = await AskAsync("features", """{"size": 9, "colour": "red"}, "explain": true""").ShouldBeAsync(HttpStatusCode.OK);

        early.Should().Contain("not explained yet");
        later["contributions"]!.AsObject().Should().HaveCount(2);
    }

    [Fact]
    public async Task A_version_whose_model_was_overwritten_does_not_serve()
    {
        await TrainAsync("price", row => row.Size.ToString("0.00", CultureInfo.InvariantCulture));
        var version = await host.Get<ModelRegistry>().GetAsync(model, 1, default);
        var blob = host.Get<PipelineStorage>().Artifacts.GetBlobClient($"{version.ModelBlobs}/featurizer.json");
        var content = (await blob.DownloadContentAsync()).Value.Content;
        await blob.UploadAsync(BinaryData.FromString(content + " "), overwrite: true);

        var refused = await AskAsync("features", """{"size": 9, "colour": "red"}""").ShouldFailAsync(HttpStatusCode.InternalServerError);
        await blob.UploadAsync(content, overwrite: true);
        await Eventually.IsTrueAsync(async () => (await AskAsync("features", """{"size": 9, "colour": "red"}""")).IsSuccessStatusCode);
        var restored = await AskAsync("features", """{"size": 9, "colour": "red"}""").ShouldBeAsync(HttpStatusCode.OK);

        refused.Should().Contain("featurizer.json' was changed after its model was stored").And.Contain("rollback");
        ((int)restored["version"]!).Should().Be(1);
    }

    [Fact]
    public async Task A_binary_model_predicts_the_label_as_it_stands_in_the_data()
    {
        await TrainAsync("bought", row => row.Size > 5 ? "yes" : "no");

        var large = await AskAsync("features", """{"size": 9, "colour": "red"}""").ShouldBeAsync(HttpStatusCode.OK);
        var small = await AskAsync("features", """{"size": 1, "colour": "red"}""").ShouldBeAsync(HttpStatusCode.OK);

        ((string)large["prediction"]!).Should().Be("yes");
        ((string)small["prediction"]!).Should().Be("no");
        ((double)large["probability"]!).Should().BeInRange(0.5, 1);
        ((double)small["probability"]!).Should().BeInRange(0, 0.5);
    }

    [Fact]
    public async Task A_model_of_several_classes_gives_the_probability_of_each_and_explains_each()
    {
        await TrainAsync("kind", row => row.Size < 3 ? "small" : row.Size < 6 ? "mid" : "large");
        const string Row = """{"size": 4.5, "colour": "red"}""";

        var one = await AskAsync("features", Row + """, "explainClasses": true""").ShouldBeAsync(HttpStatusCode.OK);
        var many = await AskAsync("rows", $$"""[{{Row}}, {"size": 1, "colour": "blue"}], "explain": true""").ShouldBeAsync(HttpStatusCode.OK);

        ((string)one["prediction"]!).Should().Be("mid");
        var probabilities = Numbers(one["classProbabilities"]!);
        probabilities.Keys.Should().Equal("large", "mid", "small");
        probabilities.Values.Sum().Should().BeApproximately(1, 1e-5);
        ((double)one["probability"]!).Should().Be(probabilities["mid"]).And.BeGreaterThan(0.5);
        ((string)one["contributionUnit"]!).Should().Be("score");
        var scores = one["classContributions"]!.AsObject()
            .ToDictionary(member => member.Key, member => (double)member.Value!["baseValue"]! + Numbers(member.Value["contributions"]!).Values.Sum());
        foreach (var (name, score) in scores)
        {
            (Math.Exp(score) / scores.Values.Sum(Math.Exp)).Should().BeApproximately(probabilities[name], 1e-5, name);
        }
        ((double)one["baseValue"]! + Numbers(one["contributions"]!).Values.Sum()).Should().BeApproximately(scores["mid"], 1e-9);
        many["predictions"]!.AsArray().Select(label => (string)label!).Should().Equal("mid", "small");
        Numbers(many["classProbabilities"]![0]!).Should().Equal(probabilities);
        many["baseValues"]!.AsArray().Should().HaveCount(2);
        many.AsObject().Should().NotContainKey("baseValue").And.NotContainKey("classContributions");

        // What is tried on the version's page comes to the same.
        var tried = await host.Client.PostJsonAsync($"/models/{model}/versions/1/try", $$"""{"features": {{Row}}, "explainClasses": true}""")
            .ShouldBeAsync(HttpStatusCode.OK);
        var plain = await host.Client.PostJsonAsync($"/models/{model}/versions/1/try", $$"""{"features": {{Row}}}""").ShouldBeAsync(HttpStatusCode.OK);
        tried["classContributions"]!.ToJsonString().Should().Be(one["classContributions"]!.ToJsonString());
        tried["classProbabilities"]!.ToJsonString().Should().Be(one["classProbabilities"]!.ToJsonString());
        tried["set"]!.AsArray().Select(label => (string)label!).Should().Contain("mid");
        plain.AsObject().Should().ContainKey("contributions").And.NotContainKey("classContributions");

        static Dictionary<string, double> Numbers(JsonNode node) => node.AsObject().ToDictionary(member => member.Key, member => (double)member.Value!);
    }

    [Fact]
    public async Task Every_wrong_feature_is_named()
    {
        await TrainAsync("price", row => row.Size.ToString("0.00", CultureInfo.InvariantCulture));

        var problem = await AskAsync("rows", """[{"size": "large"}, {"size": 1, "colour": "red", "weight": 3}]""")
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest);

        var text = problem["problems"]!.ToJsonString(HttpAssertions.Relaxed);
        text.Should().Contain("size").And.Contain("colour").And.Contain("rows[0]");
    }

    [Fact]
    public async Task A_finished_run_shows_its_stages_version_and_artifacts()
    {
        var run = await TrainAsync("price", row => row.Size.ToString("0.00", CultureInfo.InvariantCulture));

        var body = await host.Client.GetAsync($"/runs/{run}").ShouldBeAsync(HttpStatusCode.OK);

        ((string)body["state"]!).Should().Be("succeeded");
        body["stages"]!.AsArray().Select(stage => (string)stage!["stage"]!).Should()
            .Equal("ingest", "clean", "features", "split", "train", "validate", "drift", "promote", "explain", "model-card", "alert", "finish");
        ((string)body["alerts"]![0]!["kind"]!, (string)body["alerts"]![0]!["state"]!).Should().Be(("promotionSucceeded", "notSent"));
        body["stages"]!.AsArray().Select(stage => (string)stage!["state"]!).Should().OnlyContain(state => state == "succeeded");
        ((long)body["stages"]![0]!["rows"]!).Should().Be(500);
        body["metrics"]!.AsObject().Should().ContainKey("val_rmse");
        foreach (var artifact in body["artifacts"]!.AsArray().Should().NotBeEmpty().And.Subject)
        {
            var content = await host.Client.GetByteArrayAsync((string)artifact!["url"]!);
            content.LongLength.Should().Be((long)artifact["bytes"]!);
        }
        var version = await host.Client.GetAsync((string)body["links"]!["version"]!).ShouldBeAsync(HttpStatusCode.OK);
        version["signature"]!["inputs"]!.AsArray().Select(input => (string)input!["name"]!).Should().BeEquivalentTo("size", "colour");
    }

    [Fact]
    public async Task A_scored_table_has_what_a_caller_is_answered_and_its_lineage_leads_to_both_ends()
    {
        await TrainAsync("kind", row => row.Size < 3 ? "small" : row.Size < 6 ? "mid" : "large");
        var rows = Enumerable.Range(0, 200).Select(i => (
            Size: (i * 0.049).ToString("0.000", CultureInfo.InvariantCulture), Colour: i % 3 == 0 ? "red" : i % 3 == 1 ? "blue" : "green")).ToList();
        var csv = "id,colour,size\n" + string.Concat(rows.Select((row, i) => $"{i},{row.Colour},{row.Size}\n"));
        await host.Client.PutAsync($"/raw/{model}-to-score/may.csv", new StringContent(csv)).ShouldBeAsync(HttpStatusCode.Created);

        var run = await host.Client.PostJsonAsync($"/models/{model}/score", $$"""{"source": "raw/{{model}}-to-score/may.csv"}""")
            .ShouldBeAsync(HttpStatusCode.Accepted);
        var ended = await host.Client.GetAsync($"/runs/{run["runId"]}").ShouldBeAsync(HttpStatusCode.OK);
        var content = await host.Client.GetStringAsync((string)ended["links"]!["content"]!);
        var asked = string.Join(", ", rows.Select(row => $$"""{"size": {{row.Size}}, "colour": "{{row.Colour}}"}"""));
        var answers = await AskAsync("rows", $"[{asked}]").ShouldBeAsync(HttpStatusCode.OK);
        var lineage = await host.Client.GetAsync($"/lineage/run/{run["runId"]}").ShouldBeAsync(HttpStatusCode.OK);

        ((string)ended["state"]!, (string)ended["goal"]!, (int)ended["version"]!).Should().Be(("succeeded", "score", 1), (string?)ended["error"]);
        ended["stages"]!.AsArray().Select(stage => (string)stage!["stage"]!).Should().Equal("ingest", "score-part", "score", "finish");
        var lines = content.TrimEnd().Split('\n').Select(line => line.TrimEnd().Split(',')).ToList();
        lines[0].Should().Equal("id", "colour", "size", "prediction", "probability", "probability_large", "probability_mid", "probability_small", "problem");
        lines.Should().HaveCount(201);
        foreach (var (line, i) in lines.Skip(1).Select((line, i) => (line, i)))
        {
            line[3].Should().Be((string)answers["predictions"]![i]!);
            string[] kinds = ["large", "mid", "small"];
            line[4..8].Select(Number).Should().Equal(
                kinds.Select(kind => (double)answers["classProbabilities"]![i]![kind]!).Prepend((double)answers["probabilities"]![i]!), $"row {i}");
        }
        lineage["edges"]!.AsArray().Select(edge => $"{Kind(edge!["from"]!)} {edge["word"]} {Kind(edge["to"]!)}").Should().BeEquivalentTo(
            "file ingest dataset", "dataset input run", "version scored with run", "run score dataset");
        await LineageOfVersionLeadsToAsync((string)run["runId"]!, (string)ended["dataset"]!);

        static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
        static string Kind(JsonNode id) => ((string)id!).Split('/')[0];
    }

    private async Task LineageOfVersionLeadsToAsync(string run, string scored)
    {
        string[] expected = [$"version/{model}@1 scored with run/{run}", $"run/{run} score dataset/{model}@{scored}"];
        foreach (var end in new[] { $"version/{model}@1", $"dataset/{model}@{scored}", $"file/{model}/rows.csv" })
        {
            var graph = await host.Client.GetAsync($"/lineage/{end}").ShouldBeAsync(HttpStatusCode.OK);
            EdgesOf(graph).Should().Contain(expected, end);
        }
        var chart = await host.Client.GetStringAsync($"/lineage/version/{model}@1?format=mermaid");
        chart.Should().Contain($"[[\"run {run}\"]]").And.Contain("-->|scored with|").And.NotContain(" more ");

        // Runs that scored with another version are not among them, and those that are not shown are counted.
        var (store, log) = (host.Get<RunStore>(), host.Get<DataLog>());
        var (mine, table) = ((await store.FindAsync(run, default))!, await host.Get<DatasetStore>().GetAsync(scored, default));
        foreach (var i in Enumerable.Range(0, LineageReader.MostRuns + 2))
        {
            var older = mine with { RunId = RunId.New(model, mine.Created.AddDays(-1 - i)), Created = mine.Created.AddDays(-1 - i), Version = i < 2 ? 11 : 1 };
            await store.CreateAsync(older, default);
            await log.RecordAsync(older, DataEntry.Score, table, default);
        }
        var cut = await host.Client.GetAsync($"/lineage/version/{model}@1").ShouldBeAsync(HttpStatusCode.OK);
        EdgesOf(cut).Count(edge => edge.Contains(" scored with run/")).Should().Be(LineageReader.MostScores);
        MoreOf(cut).Should().Equal("11 more scoring runs");
        MoreOf(await host.Client.GetAsync($"/lineage/dataset/{model}@{scored}").ShouldBeAsync(HttpStatusCode.OK)).Should().Equal("3 more runs");
        (await host.Client.DeleteAsync($"/runs/{run}")).StatusCode.Should().Be(HttpStatusCode.NoContent);
        EdgesOf(await host.Client.GetAsync($"/lineage/version/{model}@1").ShouldBeAsync(HttpStatusCode.OK)).Should().NotContain(expected[0]);

        static IEnumerable<string> MoreOf(JsonNode graph) =>
            graph["nodes"]!.AsArray().Where(node => (string)node!["kind"]! == "more").Select(node => (string)node!["label"]!);
        static List<string> EdgesOf(JsonNode graph) =>
            [.. graph["edges"]!.AsArray().Select(edge => $"{edge!["from"]} {edge["word"]} {edge["to"]}")];
    }

    [Theory]
    [InlineData("""{}""", "source is missing")]
    [InlineData("""{"source": "raw/a/b.csv", "data": "latest"}""", "both given")]
    [InlineData("""{"source": "/etc/passwd"}""", "must be an uploaded file")]
    [InlineData("""{"source": "raw/../b.csv"}""", "must be an uploaded file")]
    [InlineData("""{"source": "raw/nobody/b.csv"}""", "There is no uploaded file 'raw/nobody/b.csv'")]
    [InlineData("""{"data": "golden"}""", "has no dataset version 'golden'")]
    [InlineData("""{"data": "latest", "version": 7}""", "has no version 7")]
    [InlineData("""{"data": "latest"}""", "has no version in production")]
    public async Task What_cannot_be_scored_is_refused(string body, string why)
    {
        var registry = host.Get<ModelRegistry>();
        var version = await registry.AddVersionAsync(model);
        if (!why.EndsWith("production", StringComparison.Ordinal))
        {
            await registry.SetAliasAsync(model, ModelAlias.Production, 1, "test", default);
        }
        await host.Storage.Artifacts.UploadBlobAsync(
            $"{version.ModelBlobs}/featurizer.json",
            BinaryData.FromString(Json.Write(new Featurizer(new TargetColumn("y", TaskKind.Regression), 0.5, [], []))));

        var problem = await host.Client.PostJsonAsync($"/models/{model}/score", body).ShouldFailAsync(HttpStatusCode.BadRequest);
        var unknown = await host.Client.PostJsonAsync("/models/nobody/score", """{"data": "latest"}""").ShouldFailAsync(HttpStatusCode.NotFound);

        problem.Should().Contain(why);
        unknown.Should().Contain("nobody");
    }

    private async Task<string> TrainAsync(string target, Func<(double Size, string Colour), string> answer)
    {
        var random = new Random(7);
        var csv = new StringBuilder($"size,colour,{target}\n");
        for (var i = 0; i < 500; i++)
        {
            var row = (Size: Math.Round(random.NextDouble() * 10, 3), Colour: random.Next(2) == 0 ? "red" : "blue");
            csv.Append(CultureInfo.InvariantCulture, $"{row.Size},{row.Colour},{answer(row)}\n");
        }
        await host.Client.PutAsync($"/raw/{model}/rows.csv", new StringContent(csv.ToString())).ShouldBeAsync(HttpStatusCode.Created);
        await host.Client.PutJsonAsync(
            $"/pipelines/{model}", $$"""{"target": "{{target}}", "candidates": [{"trainer": "lightgbm", "trees": 50, "minRowsPerLeaf": 5}]}""")
            .ShouldBeAsync(HttpStatusCode.Created);
        var run = await host.Client.PostAsync($"/pipelines/{model}/runs", null).ShouldBeAsync(HttpStatusCode.Accepted);
        return (string)run["runId"]!;
    }

    private Task<HttpResponseMessage> AskAsync(string key, string json) =>
        host.Client.PostJsonAsync("/predict", $"{{\"model\": \"{model}\", \"{key}\": {json}}}");
}
