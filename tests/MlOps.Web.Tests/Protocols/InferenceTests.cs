using System.Net;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Web.Tests.Protocols;

/// <summary>The Open Inference Protocol, as far as no real model is needed.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class InferenceTests(FakeModels models) : ProtocolTests(models)
{
    private const string A = """{"name": "a", "datatype": "FP64", "shape": [2], "data": [1, 2.5]}""";

    [Fact]
    public async Task An_answer_has_model_version_id_and_outputs()
    {
        await Registry.AddProductionAsync(Model);

        var answer = await AskAsync($$"""{"id": "x-1", "parameters": {"content_type": "pd", "else": 1}, "inputs": [{{A}}]}""").ShouldBeAsync(HttpStatusCode.OK);

        answer.ToJsonString().Should().Be(
            $$"""{"model_name":"{{Model}}","model_version":"1","id":"x-1","outputs":[{"name":"predict","datatype":"FP64","shape":[2],"data":[1,1]}]}""");
    }

    [Theory]
    [InlineData("""[{"name": "a", "datatype": "INT8", "shape": [2, 1], "data": [[1], [-128]]}]""")]
    [InlineData("""[{"name": "a", "datatype": "UINT64", "shape": [1], "data": [18446744073709551615]}]""")]
    [InlineData("""[{"name": "a", "datatype": "FP16", "shape": [1], "data": [null], "parameters": {"content_type": "np"}}]""")]
    [InlineData("""[{"name": "a", "datatype": "BYTES", "shape": [1], "data": ["1,5"], "parameters": {"content_type": "str"}}]""")]
    [InlineData("""[{"name": "a", "datatype": "BOOL", "shape": [1], "data": [true]}, {"name": "b", "datatype": "INT64", "shape": [1, 1], "data": [[7]]}]""")]
    [InlineData("""[{"name": "a", "datatype": "FP32", "shape": [0], "data": []}]""")]
    [InlineData("""[{"name": "all", "datatype": "FP32", "shape": [2, 2], "data": [[1, 2], [3, 4]]}]""")]
    [InlineData("""[{"name": "a", "datatype": "FP32", "shape": [2, 2], "data": [1, 2, 3, 4]}]""")]
    public async Task Tensors_of_every_type_and_form_are_read(string inputs)
    {
        await Registry.AddProductionAsync(Model);

        var answer = await AskAsync($$"""{"inputs": {{inputs}} }""").ShouldBeAsync(HttpStatusCode.OK);

        var rows = (int)JsonNode.Parse(inputs)![0]!["shape"]![0]!;
        answer["outputs"]![0]!["data"]!.AsArray().Should().HaveCount(rows);
        answer.AsObject().Should().NotContainKey("id");
    }

    [Theory]
    [InlineData("", "The body is empty")]
    [InlineData("[]", "must be a JSON object")]
    [InlineData("{}", "inputs must have one tensor")]
    [InlineData("""{"inputs": []}""", "inputs must have one tensor")]
    [InlineData("""{"inputs": [1]}""", "inputs[0] must be a JSON object")]
    [InlineData("""{"inputs": [{"name": "a"}]}""", "inputs[0].datatype is missing")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "FP128", "shape": [1], "data": [1]}]}""", "one of BOOL, INT8")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "INT8", "shape": [1], "data": [128]}]}""", "no INT8: number 1, 128")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "UINT8", "shape": [2], "data": [1, -1]}]}""", "no UINT8: number 2, -1")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "INT64", "shape": [1], "data": [1.5]}]}""", "no INT64")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "BOOL", "shape": [1], "data": [1]}]}""", "no BOOL")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "BYTES", "shape": [1], "data": [1]}]}""", "no BYTES")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "FP64", "shape": [3], "data": [1]}]}""", "shape [3]")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "FP64", "shape": [2], "data": [[1], [2]]}]}""", "shape [2]")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "FP64", "shape": [2, 2], "data": [[1, 2], [3]]}]}""", "shape [2, 2]")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "FP64", "shape": [9223372036854775807, 9223372036854775807], "data": [1]}]}""", "shape [922")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "FP64", "shape": [1, 1, 1], "data": [1]}]}""", "one or two whole numbers")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "FP64", "shape": [-1], "data": [1]}]}""", "one or two whole numbers")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "BYTES", "shape": [1], "data": ["MQ=="], "parameters": {"content_type": "base64"}}]}""", "'base64'")]
    [InlineData("""{"inputs": [{"name": "all", "datatype": "FP64", "shape": [1, 3], "data": [1, 2, 3]}]}""", "in this order: a, b")]
    [InlineData("""{"inputs": [{"name": "wrong", "datatype": "INT8", "shape": [1], "data": [1]}, {"name": "b", "datatype": "INT8", "shape":[0], "data":[]}]}""",
        "tensors of 1 rows and of 0")]
    [InlineData("""{"inputs": [{"name":"wrong","datatype":"INT8","shape":[1],"data":[1]},{"name":"a","datatype":"INT8","shape":[1,1],"data":[1]}]}""",
        "'a' is missing")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "FP64", "shape": [1], "data": [1]}], "outputs": [{"name": "predcit"}]}""", "There is: predict")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "FP64", "shape": [1], "data": [1]}], "id": 7}""", "id must be a text")]
    [InlineData("""{"inputs": [{"name": "a", "datatype": "FP64", "shape": [1], "data": [1]}], "output": []}""", "did you mean 'outputs'")]
    public async Task A_wrong_body_is_told_in_the_protocols_shape(string body, string message)
    {
        await Registry.AddProductionAsync(Model);

        var error = await AskAsync(body).ShouldBeAsync(HttpStatusCode.BadRequest);

        error.AsObject().Should().ContainSingle();
        ((string)error["error"]!).Should().Contain(message);
    }

    [Fact]
    public async Task Tensors_of_one_request_have_as_many_rows_and_names_of_their_own()
    {
        await Registry.AddProductionAsync(Model);
        const string B = """{"name": "b", "datatype": "FP64", "shape": [1], "data": [1]}""";

        var rows = await AskAsync($$"""{"inputs": [{{A}}, {{B}}]}""").ShouldBeAsync(HttpStatusCode.BadRequest);
        var twice = await AskAsync($$"""{"inputs": [{{A}}, {{A}}]}""").ShouldBeAsync(HttpStatusCode.BadRequest);

        ((string)rows["error"]!).Should().Contain("2 rows and of 1");
        ((string)twice["error"]!).Should().Contain("'a' twice");
    }

    [Fact]
    public async Task Classes_have_probabilities_and_only_the_outputs_asked_for_are_given()
    {
        await Registry.AddProductionAsync(Model, TaskKind.Binary);
        Host.Scorers.Score = _ => 0.75;

        var all = await AskAsync($$"""{"inputs": [{{A}}]}""").ShouldBeAsync(HttpStatusCode.OK);
        var one = await AskAsync($$"""{"inputs": [{{A}}], "outputs": [{"name": "probabilities", "parameters": {} }]}""").ShouldBeAsync(HttpStatusCode.OK);

        all["outputs"]!.ToJsonString(HttpAssertions.Relaxed).Should().Be(
            """[{"name":"predict","datatype":"BYTES","shape":[2],"parameters":{"content_type":"str"},"data":["yes","yes"]},"""
            + """{"name":"probabilities","datatype":"FP64","shape":[2,2],"parameters":{"classes":"[\"no\",\"yes\"]"},"data":[0.25,0.75,0.25,0.75]}]""");
        one["outputs"]!.AsArray().Select(output => (string)output!["name"]!).Should().Equal("probabilities");
    }

    [Fact]
    public async Task What_is_no_number_is_null_in_valid_json()
    {
        await Registry.AddProductionAsync(Model);
        Host.Scorers.Score = _ => double.NaN;

        var answer = await AskAsync($$"""{"inputs": [{{A}}]}""").ShouldBeAsync(HttpStatusCode.OK);

        answer["outputs"]![0]!["data"]!.ToJsonString().Should().Be("[null,null]");
    }

    [Fact]
    public async Task Any_version_is_asked_by_its_number_and_production_without_one()
    {
        await Registry.AddProductionAsync(Model);
        await Registry.AddVersionAsync(Model);

        var newest = await AskAsync($$"""{"inputs": [{{A}}]}""", "/versions/2").ShouldBeAsync(HttpStatusCode.OK);
        var production = await AskAsync($$"""{"inputs": [{{A}}]}""").ShouldBeAsync(HttpStatusCode.OK);
        var described = await Client.GetAsync($"/v2/models/{Model}").ShouldBeAsync(HttpStatusCode.OK);
        var ready = await Client.GetAsync($"/v2/models/{Model}/versions/2/ready").ShouldBeAsync(HttpStatusCode.OK);

        ((string)newest["model_version"]!, (int)newest["outputs"]![0]!["data"]![0]!).Should().Be(("2", 2));
        ((string)production["model_version"]!).Should().Be("1");
        described["versions"]!.AsArray().Select(version => (string)version!).Should().Equal("2", "1");
        ready.ToJsonString().Should().Be($$"""{"name":"{{Model}}","ready":true}""");
    }

    [Fact]
    public async Task A_version_asked_by_number_goes_when_it_is_deleted()
    {
        await Registry.AddProductionAsync(Model);
        await Registry.AddVersionAsync(Model);
        await Registry.AddVersionAsync(Model);
        await Client.GetAsync($"/v2/models/{Model}/versions/2/ready").ShouldBeAsync(HttpStatusCode.OK);

        using var deleted = await Client.DeleteAsync($"/models/{Model}/versions/2");

        deleted.StatusCode.Should().Be(HttpStatusCode.NoContent, await deleted.Content.ReadAsStringAsync());
        await Eventually.IsTrueAsync(
            async () => (await Client.GetAsync($"/v2/models/{Model}/versions/2/ready")).StatusCode == HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("GET", "/v2/models/no-such-model", HttpStatusCode.NotFound)]
    [InlineData("GET", "/v2/models/no-such-model/versions/1", HttpStatusCode.NotFound)]
    [InlineData("GET", "/v2/models/{model}", HttpStatusCode.ServiceUnavailable)]
    [InlineData("GET", "/v2/models/{model}/ready", HttpStatusCode.ServiceUnavailable)]
    [InlineData("GET", "/v2/models/{model}/versions/7", HttpStatusCode.NotFound)]
    [InlineData("GET", "/v2/models/{model}/versions/v1/ready", HttpStatusCode.NotFound)]
    [InlineData("POST", "/v2/models/{model}/versions/99999999999/infer", HttpStatusCode.NotFound)]
    [InlineData("POST", "/v2/models/{model}/infer", HttpStatusCode.ServiceUnavailable)]
    public async Task What_does_not_serve_is_told_in_the_protocols_shape(string verb, string path, HttpStatusCode status)
    {
        await Registry.AddVersionAsync(Model);
        using var request = new HttpRequestMessage(new HttpMethod(verb), path.Replace("{model}", Model, StringComparison.Ordinal));
        request.Content = verb == "POST" ? new StringContent($$"""{"inputs": [{{A}}]}""") : null;

        var error = await Client.SendAsync(request).ShouldBeAsync(status);

        ((string)error["error"]!).Should().NotBeEmpty();
    }

    [Fact]
    public async Task A_version_that_cannot_be_loaded_is_an_error_of_the_server_and_others_answer()
    {
        await Registry.AddProductionAsync(Model);
        await Registry.AddVersionAsync(Model);
        Host.Scorers.BeforeLoaded = version => version.Version == 2 ? throw new FormatException("damaged") : Task.CompletedTask;

        var damaged = await AskAsync($$"""{"inputs": [{{A}}]}""", "/versions/2").ShouldBeAsync(HttpStatusCode.InternalServerError);
        await AskAsync($$"""{"inputs": [{{A}}]}""", "/versions/1").ShouldBeAsync(HttpStatusCode.OK);

        ((string)damaged["error"]!).Should().Contain("Version 2").And.NotContain("FormatException");
    }

    [Fact]
    public async Task A_server_is_live_whatever_storage_does_and_ready_while_it_answers()
    {
        await using var away = await WebHost.StartAsync(Unreachable.Storage(Unreachable.FreePort(), retries: 0));

        (await Client.GetStringAsync("/v2/health/live")).Should().Be("""{"live":true}""");
        (await Client.GetStringAsync("/v2/health/ready")).Should().Be("""{"ready":true}""");
        (await away.Client.GetStringAsync("/v2/health/live")).Should().Be("""{"live":true}""");
        ((string)(await away.Client.GetAsync("/v2/health/ready").ShouldBeAsync(HttpStatusCode.ServiceUnavailable))["error"]!).Should().Contain("not ready");
        var server = await Client.GetAsync("/v2").ShouldBeAsync(HttpStatusCode.OK);
        server.AsObject().Select(member => member.Key).Should().Equal("name", "version", "extensions");
    }

    private Task<HttpResponseMessage> AskAsync(string json, string version = "") => Client.PostJsonAsync($"/v2/models/{Model}{version}/infer", json);
}
