using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;
using MlOps.Web.Access;

namespace MlOps.Web.Tests.Protocols;

/// <summary>MLflow's scoring, as far as no real model is needed.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class InvocationsTests(AzuriteFixture azurite, FakeModels models) : ProtocolTests(models)
{
    [Theory]
    [InlineData("""{"dataframe_split": {"index": [0, 1], "columns": ["b", "a"], "data": [[1, 2], [null, 3]]}}""", 2)]
    [InlineData("""{"dataframe_records": [{"a": 1, "b": 2}, {"a": 1, "b": NaN}, {"a": 1}]}""", 3)]
    [InlineData("""{"dataframe_records": []}""", 0)]
    [InlineData("""{"instances": [{"a": 1, "b": 2}], "params": null}""", 1)]
    [InlineData("""{"instances": [[1, 2], [3, 4]]}""", 2)]
    [InlineData("""{"inputs": {"a": [1, 2], "b": [[3], [4]]}}""", 2)]
    [InlineData("""{"inputs": {"a": 1, "b": 2}}""", 1)]
    [InlineData("""{"inputs": [{"a": 1}], "params": {"nobody": "knows"}, "else": 1}""", 1)]
    public async Task Every_form_of_body_is_read(string body, int rows)
    {
        await Registry.AddProductionAsync(Model);

        var answer = await AskAsync(body).ShouldBeAsync(HttpStatusCode.OK);

        answer.ToJsonString().Should().Be($$"""{"predictions":[{{string.Join(',', Enumerable.Repeat("1", rows))}}]}""");
    }

    [Theory]
    [InlineData("", "BAD_REQUEST")]
    [InlineData("[1]", "BAD_REQUEST")]
    [InlineData("{", "BAD_REQUEST")]
    [InlineData("{}", "BAD_REQUEST")]
    [InlineData("""{"columns": ["a"], "data": [[1]]}""", "BAD_REQUEST")]
    [InlineData("""{"inputs": [], "instances": []}""", "BAD_REQUEST")]
    [InlineData("""{"dataframe_split": [[1]]}""", "BAD_REQUEST")]
    [InlineData("""{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}""", "BAD_REQUEST")]
    [InlineData("""{"dataframe_records": {"a": 1}}""", "BAD_REQUEST")]
    [InlineData("""{"dataframe_records": [{"a": 1}, 2]}""", "BAD_REQUEST")]
    [InlineData("""{"inputs": {"a": [1, 2], "b": [1]}}""", "BAD_REQUEST")]
    [InlineData("""{"inputs": 1}""", "BAD_REQUEST")]
    [InlineData("""{"instances": {"a": [1]}}""", "BAD_REQUEST")]
    [InlineData("""{"instances": [[1, 2, 3]]}""", "INVALID_PARAMETER_VALUE")]
    [InlineData("""{"dataframe_records": [{"wrong": 1}]}""", "INVALID_PARAMETER_VALUE")]
    [InlineData("""{"dataframe_records": [{"a": 1}], "params": 1}""", "INVALID_PARAMETER_VALUE")]
    [InlineData("""{"dataframe_records": [{"a": 1}], "params": {"predict_method": "guess"}}""", "INVALID_PARAMETER_VALUE")]
    [InlineData("""{"dataframe_records": [{"a": 1}], "params": {"predict_method": "predict_proba"}}""", "INVALID_PARAMETER_VALUE")]
    public async Task A_wrong_body_is_told_in_MLflows_shape(string body, string code)
    {
        await Registry.AddProductionAsync(Model);

        var error = await AskAsync(body).ShouldBeAsync(HttpStatusCode.BadRequest);

        error.AsObject().Select(member => member.Key).Should().Equal("error_code", "message");
        ((string)error["error_code"]!).Should().Be(code);
        ((string)error["message"]!).Should().NotBeEmpty();
    }

    [Theory]
    [InlineData("application/json; charset=utf-8", true)]
    [InlineData("application/json;charset=UTF-8", true)]
    [InlineData("application/json; charset=latin-1", false)]
    [InlineData("application/json; format=pandas-split", false)]
    [InlineData("application/x-www-form-urlencoded", false)]
    [InlineData("text/plain", false)]
    [InlineData(null, false)]
    public async Task Only_JSON_and_CSV_in_UTF8_are_taken(string? type, bool taken)
    {
        await Registry.AddProductionAsync(Model);

        var answer = SendAsync("""{"inputs": {"a": 1}}""", type);

        if (taken)
        {
            await answer.ShouldBeAsync(HttpStatusCode.OK);
        }
        else
        {
            ((string)(await answer.ShouldBeAsync(HttpStatusCode.UnsupportedMediaType))["error_code"]!).Should().Be("BAD_REQUEST");
        }
    }

    [Theory]
    [InlineData("a,b\n1,2\n3,\n", 2)]
    [InlineData("a,b\r\n1,2", 1)]
    [InlineData("\ufeff\"a\",\"b\"\n\"1\",\"2\"\n", 1)]
    [InlineData("b,a,y\n2,1,9\n", 1)]
    [InlineData("a;b\n1;2\n", 1)]
    [InlineData("a\n1\n\n2\n", 2)]
    [InlineData("a,b\n", 0)]
    public async Task A_CSV_has_a_header(string csv, int rows)
    {
        await Registry.AddProductionAsync(Model);

        var answer = await SendAsync(csv, "text/csv").ShouldBeAsync(HttpStatusCode.OK);

        answer["predictions"]!.AsArray().Should().HaveCount(rows);
    }

    [Theory]
    [InlineData("a,b\n1,2\n3\n", "Line 3 has 1 cell; the header has 2.")]
    [InlineData("wrong\n1\n", "'a' is missing")]
    public async Task A_wrong_CSV_is_refused_with_its_line(string csv, string message)
    {
        await Registry.AddProductionAsync(Model);

        var error = await SendAsync(csv, "text/csv").ShouldBeAsync(HttpStatusCode.BadRequest);

        ((string)error["message"]!).Should().Contain(message);
        ((string)error["error_code"]!).Should().Be("INVALID_PARAMETER_VALUE");
    }

    [Theory]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "Infinity")]
    [InlineData(double.NegativeInfinity, "-Infinity")]
    public async Task What_is_no_number_is_told_in_Pythons_words(double score, string word)
    {
        await Registry.AddProductionAsync(Model);
        Host.Scorers.Score = _ => score;

        using var answer = await AskAsync("""{"inputs": {"a": [1, 2]}}""");

        (await answer.Content.ReadAsStringAsync()).Should().Be($$"""{"predictions":[{{word}},{{word}}]}""");
    }

    [Fact]
    public async Task Words_of_Python_within_texts_stay_texts()
    {
        await Registry.AddProductionAsync(Model);

        var error = await AskAsync("""{"dataframe_records": [{"a": "\"NaN", "b": -Infinity}], "params": {"predict_method": "Infinity\\"}}""")
            .ShouldBeAsync(HttpStatusCode.BadRequest);

        ((string)error["message"]!).Should().Contain("predict_method");
    }

    [Fact]
    public async Task An_unknown_model_and_one_that_does_not_serve_yet_are_told_in_MLflows_shape()
    {
        await Registry.AddVersionAsync(Model);

        var unknown = await Client.PostJsonAsync("/models/no-such-model/invocations", """{"inputs": {"a": 1}}""").ShouldBeAsync(HttpStatusCode.NotFound);
        var early = await AskAsync("""{"inputs": {"a": 1}}""").ShouldBeAsync(HttpStatusCode.ServiceUnavailable);

        ((string)unknown["error_code"]!).Should().Be("RESOURCE_DOES_NOT_EXIST");
        ((string)early["error_code"]!).Should().Be("TEMPORARILY_UNAVAILABLE");
    }

    [Fact]
    public async Task Strangers_and_packed_bodies_are_refused_in_the_shape_of_the_protocol()
    {
        await using var closed = await WebHost.StartAsync(azurite.NewStorage(), services => services.AddSingleton(new AccessOptions()));
        var packed = new StringContent("x") { Headers = { ContentEncoding = { "gzip" } } };

        var stranger = await closed.Client.PostJsonAsync("/invocations", "{}").ShouldBeAsync(HttpStatusCode.Unauthorized);
        var open = await closed.Client.PostJsonAsync("/v2/models/m/infer", "{}").ShouldBeAsync(HttpStatusCode.Unauthorized);
        var refused = await Client.PostAsync("/invocations", packed).ShouldBeAsync(HttpStatusCode.UnsupportedMediaType);

        ((string)stranger["error_code"]!).Should().Be("UNAUTHENTICATED");
        ((string)open["error"]!).Should().StartWith("Sign in: ");
        ((string)refused["message"]!).Should().Contain("packed");
    }

    [Fact]
    public async Task A_binary_model_gives_labels_or_the_probability_of_each()
    {
        await Registry.AddProductionAsync(Model, TaskKind.Binary);
        Host.Scorers.Score = _ => 0.75;

        var labels = await AskAsync("""{"inputs": {"a": 1}}""").ShouldBeAsync(HttpStatusCode.OK);
        var chances = await AskAsync("""{"inputs": {"a": 1}, "params": {"predict_method": "predict_proba"}}""").ShouldBeAsync(HttpStatusCode.OK);

        labels.ToJsonString().Should().Be("""{"predictions":["yes"]}""");
        chances.ToJsonString().Should().Be("""{"predictions":[[0.25,0.75]]}""");
    }

    [Fact]
    public async Task The_version_is_a_text()
    {
        var home = await Client.GetAsync("/").ShouldBeAsync(HttpStatusCode.OK);

        (await Client.GetStringAsync("/version")).Should().Be((string)home["version"]!);
    }

    private Task<HttpResponseMessage> AskAsync(string json) => Client.PostJsonAsync($"/models/{Model}/invocations", json);

    private Task<HttpResponseMessage> SendAsync(string text, string? type)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(text));
        content.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);
        return Client.PostAsync($"/models/{Model}/invocations", content);
    }
}
