using System.Net;
using System.Text;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class PipelinesApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Fact]
    public async Task A_definition_is_stored_with_its_defaults_and_can_be_put_back_as_it_was_got()
    {
        using var created = await Client.PutJsonAsync($"/pipelines/{Model}", """{"target": "y"}""");
        created.StatusCode.Should().Be(HttpStatusCode.Created);
        created.Headers.Location.Should().Be($"/pipelines/{Model}");

        var got = await Client.GetAsync($"/pipelines/{Model}").ShouldBeAsync(HttpStatusCode.OK);
        ((string)got["model"]!).Should().Be(Model);
        ((string)got["candidates"]![0]!["trainer"]!).Should().Be("lightgbm");

        var again = await Client.PutJsonAsync($"/pipelines/{Model}", got.ToJsonString()).ShouldBeAsync(HttpStatusCode.OK);
        again.ToJsonString().Should().Be(got.ToJsonString());
    }

    [Fact]
    public async Task All_definitions_are_listed()
    {
        await DeclareAsync();

        var body = await Client.GetAsync("/pipelines?take=1000").ShouldBeAsync(HttpStatusCode.OK);

        body["pipelines"]!.AsArray().Should().ContainSingle(p => (string)p!["model"]! == Model && (string)p["url"]! == $"/pipelines/{Model}");
    }

    [Fact]
    public async Task A_wrong_definition_names_every_problem_and_stores_nothing()
    {
        var problem = await Client.PutJsonAsync($"/pipelines/{Model}", """{"taget": "y", "split": {"validation": 3}}""")
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest);

        var problems = problem["problems"]!.AsArray().Select(p => (string)p!).ToList();
        problems.Should()
            .Contain(
                p => p.Contains("did you mean 'target'")).And.Contain(p => p.Contains("split.validation")).And.Contain(p => p.Contains("target is missing"));
        await Client.GetAsync($"/pipelines/{Model}").ShouldFailAsync(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("", "The body is empty")]
    [InlineData("{\"target\": \"y\",\n}", "line 2, position 1")]
    [InlineData("[1]", "must be a JSON object")]
    [InlineData("""{"model": "other", "target": "y"}""", "'other'")]
    [InlineData("""{"target": "a", "target": "b"}""", "uplicate property")]
    public async Task A_body_that_is_no_definition_of_this_model_is_400(string json, string expected) =>
        (await Client.PutJsonAsync($"/pipelines/{Model}", json).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain(expected);

    [Theory]
    [InlineData("Upper")]
    [InlineData("-a")]
    [InlineData("a%20b")]
    [InlineData("a%0A")]
    public async Task A_name_that_is_no_model_name_is_400_to_put_and_404_to_get(string name)
    {
        (await Client.PutJsonAsync($"/pipelines/{name}", """{"target": "y"}""").ShouldFailAsync(HttpStatusCode.BadRequest)).Should()
            .Contain("lower-case letters");
        await Client.GetAsync($"/pipelines/{name}").ShouldFailAsync(HttpStatusCode.NotFound);
        await Client.PostAsync($"/pipelines/{name}/runs", null).ShouldFailAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_run_starts_on_the_newest_file()
    {
        await DeclareAsync();
        await UploadAsync("a.csv");

        using var response = await Client.PostAsync($"/pipelines/{Model}/runs", null);
        var location = response.Headers.Location;
        var body = await Task.FromResult(response).ShouldBeAsync(HttpStatusCode.Accepted);

        location.Should().Be($"/runs/{body["runId"]}");
        ((string)body["state"]!).Should().Be("queued");
        ((string)body["trigger"]!).Should().Be("http");
        ((string)body["source"]!).Should().Be($"raw/{Model}/a.csv");
        ((string)body["links"]!["self"]!).Should().Be($"/runs/{body["runId"]}");
        Host.Engine.Started.Should().ContainSingle().Which.Candidates.Should().Equal("0-lightgbm", "1-sdca");
        (await Runs.FindAsync((string)body["runId"]!, default))!.State.Should().Be(RunState.Queued);
    }

    [Fact]
    public async Task A_run_starts_on_the_file_that_is_named()
    {
        await DeclareAsync();
        await UploadAsync("old data.csv");
        await UploadAsync("new.csv");

        var body = await StartAsync($"raw/{Model}/old data.csv").ShouldBeAsync(HttpStatusCode.Accepted);

        Host.Engine.Started.Should().ContainSingle().Which.Source.Should().Be((string)body["source"]!).And.EndWith("old data.csv");
    }

    [Theory]
    [InlineData("{}", "model")]
    [InlineData("""{"goal": "model"}""", "model")]
    [InlineData("""{"goal": "dataset"}""", "dataset")]
    public async Task A_run_goes_as_far_as_its_goal(string request, string goal)
    {
        await DeclareAsync();
        await UploadAsync("a.csv");

        var started = await Client.PostJsonAsync($"/pipelines/{Model}/runs", request).ShouldBeAsync(HttpStatusCode.Accepted);

        var shown = await Client.GetAsync($"/runs/{started["runId"]}").ShouldBeAsync(HttpStatusCode.OK);
        ((string)started["goal"]!, (string)shown["goal"]!).Should().Be((goal, goal));
        shown["stages"]!.AsArray().Select(stage => (string)stage!["stage"]!).Contains("clean").Should().Be(goal == "model");
    }

    [Fact]
    public async Task A_goal_that_is_none_is_400_and_names_those_there_are()
    {
        await DeclareAsync();
        await UploadAsync("a.csv");

        (await Client.PostJsonAsync($"/pipelines/{Model}/runs", """{"goal": "ingest"}""").ShouldFailAsync(HttpStatusCode.BadRequest)).Should()
            .Contain("goal is 'ingest'; it must be one of model, dataset");
        Host.Engine.Started.Should().BeEmpty();
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("C:\\data\\a.csv")]
    [InlineData("raw/other-model/a.csv")]
    [InlineData("raw/{model}/../other-model/a.csv")]
    [InlineData("raw/{model}/")]
    [InlineData("raw/{model}")]
    [InlineData("file:///etc/passwd")]
    [InlineData("https://example.com/raw/{model}/a.csv")]
    [InlineData("")]
    public async Task A_source_that_is_no_uploaded_file_of_the_model_is_400(string source)
    {
        await DeclareAsync();

        (await StartAsync(source.Replace("{model}", Model, StringComparison.Ordinal)).ShouldFailAsync(HttpStatusCode.BadRequest)).Should()
            .Contain($"raw/{Model}/");
        Host.Engine.Started.Should().BeEmpty();
    }

    [Fact]
    public async Task A_source_beyond_the_length_of_blob_names_is_400_and_not_quoted_in_full()
    {
        await DeclareAsync();

        var detail = await StartAsync($"raw/{Model}/" + string.Join('/', Enumerable.Repeat("a", 50_000))).ShouldFailAsync(HttpStatusCode.BadRequest);

        detail.Length.Should().BeLessThan(3000);
    }

    [Fact]
    public async Task A_run_without_a_file_says_how_to_upload_one()
    {
        await DeclareAsync();

        (await StartAsync($"raw/{Model}/missing.csv").ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain($"PUT /raw/{Model}/missing.csv");
        (await Client.PostAsync($"/pipelines/{Model}/runs", null).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain($"PUT /raw/{Model}/");
        Host.Engine.Started.Should().BeEmpty();
    }

    [Fact]
    public async Task A_run_of_an_undeclared_model_is_404_and_an_unknown_key_400()
    {
        (await Client.PostAsync($"/pipelines/{Model}/runs", null).ShouldFailAsync(HttpStatusCode.NotFound)).Should().Contain($"PUT /pipelines/{Model}");
        (await Client.PostJsonAsync($"/pipelines/{Model}/runs", """{"sourec": "x"}""").ShouldFailAsync(HttpStatusCode.BadRequest)).Should()
            .Contain("did you mean 'source'");
    }

    private Task<HttpResponseMessage> StartAsync(string source) =>
        Client.PostJsonAsync($"/pipelines/{Model}/runs", $"{{\"source\": {System.Text.Json.JsonSerializer.Serialize(source)}}}");

    private Task UploadAsync(string file) =>
        Host.Storage.Raw.GetBlobClient($"{Model}/{file}").UploadAsync(new BinaryData(Encoding.UTF8.GetBytes("x,y\n1,2\n")));
}
