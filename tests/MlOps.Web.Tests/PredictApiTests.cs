using System.Net;
using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class PredictApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Fact]
    public async Task One_row_gives_one_prediction()
    {
        await Registry.AddProductionAsync(Model);

        var body = await AskAsync("features", """{"a": 1}""").ShouldBeAsync(HttpStatusCode.OK);

        body.ToJsonString().WithoutIds().Should().Be($$"""{"prediction":1,"model":"{{Model}}","version":1,"variant":"production","id":"ID"}""");
    }

    [Fact]
    public async Task Several_rows_give_predictions_in_their_order()
    {
        await Registry.AddProductionAsync(Model);

        var body = await AskAsync("rows", """[{"a": 1}, {"a": 2}]""").ShouldBeAsync(HttpStatusCode.OK);

        body.ToJsonString().WithoutIds().Should().Be(
            $$"""{"predictions":[1,1],"model":"{{Model}}","version":1,"variant":"production","ids":["ID-0","ID-1"]}""");
    }

    [Fact]
    public async Task A_binary_model_gives_label_and_probability()
    {
        await Registry.AddProductionAsync(Model, TaskKind.Binary);
        Host.Scorers.Score = _ => 0.75;

        var one = await AskAsync("features", """{}""").ShouldBeAsync(HttpStatusCode.OK);
        var many = await AskAsync("rows", """[{}]""").ShouldBeAsync(HttpStatusCode.OK);

        one.ToJsonString().Should().StartWith("""{"prediction":"yes","probability":0.75,""");
        many.ToJsonString().Should().StartWith("""{"predictions":["yes"],"probabilities":[0.75],""");
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public async Task What_is_no_number_is_null_in_valid_json(double score)
    {
        await Registry.AddProductionAsync(Model);
        Host.Scorers.Score = _ => score;

        var one = await AskAsync("features", """{}""").ShouldBeAsync(HttpStatusCode.OK);
        var many = await AskAsync("rows", """[{}, {}]""").ShouldBeAsync(HttpStatusCode.OK);

        one.ToJsonString().Should().StartWith("""{"prediction":null,""");
        many.ToJsonString().Should().StartWith("""{"predictions":[null,null],""");
    }

    [Fact]
    public async Task An_unknown_model_is_404_and_the_known_ones_are_named()
    {
        await Registry.AddVersionAsync(Model);

        (await PredictAsync("""{"model": "no-such-model", "features": {}}""").ShouldFailAsync(HttpStatusCode.NotFound)).Should().Contain("no-such-model");
    }

    [Fact]
    public async Task Without_production_it_is_503_with_a_time_to_come_back()
    {
        await Registry.AddVersionAsync(Model);
        using var response = await AskAsync("features", """{}""");

        response.Headers.RetryAfter!.Delta.Should().Be(TimeSpan.FromSeconds(5));
        (await Task.FromResult(response).ShouldFailAsync(HttpStatusCode.ServiceUnavailable)).Should().Contain($"'{Model}' has no version in production yet");
    }

    [Fact]
    public async Task Wrong_features_name_every_problem()
    {
        await Registry.AddProductionAsync(Model);

        var problem = await AskAsync("features", """{"wrong": 1}""").ShouldBeProblemAsync(HttpStatusCode.BadRequest);

        problem["problems"]!.AsArray().Select(p => (string)p!).Should().Equal("feature 'a' is missing.", "feature 'b' must be a number.");
        ((string)problem["detail"]!).Should().Contain("2 problems").And.Contain("feature 'a' is missing.");
    }

    [Theory]
    [InlineData("""{"feature": {"a": 1}}""", "feature is not known; did you mean 'features'?")]
    [InlineData("""{"features": {}, "modle": "m"}""", "modle is not known; did you mean 'model'?")]
    [InlineData("""{"features": {}, "rows": []}""", "both given")]
    [InlineData("""{"model": "m"}""", "features is missing")]
    [InlineData("""{"features": [1]}""", "features must be an object")]
    [InlineData("""{"rows": {"a": 1}}""", "rows must be an array")]
    [InlineData("""{"rows": [{}, 1, {}, null]}""", "rows[3] must be an object")]
    [InlineData("""{"features": {}, "model": 3}""", "model must be a text")]
    [InlineData("[]", "must be a JSON object")]
    [InlineData("null", "must be a JSON object")]
    [InlineData("", "The body is empty")]
    [InlineData("  \n ", "The body is empty")]
    [InlineData("{\n  \"features\": {\"a\": }\n}", "line 2, position 21")]
    [InlineData("{\"features\": {}", "line 1, position 16")]
    [InlineData("{\"features\": {\"a\": 1, \"a\": 2}}", "uplicate property")]
    [InlineData("{\"features\": {\"a\": \"\\ud800\"}}", "surrogate")]
    [InlineData("{\"features\": {\"\\udfff\": 1}}", "surrogate")]
    [InlineData("{\"features\": {\"a\": NaN}}", "line 1, position 20")]
    public async Task A_wrong_body_is_400_that_says_where_and_what(string json, string expected)
    {
        var problem = await PredictAsync(json).ShouldBeProblemAsync(HttpStatusCode.BadRequest);

        problem.ToJsonString(HttpAssertions.Relaxed).Should().Contain(expected);
        Host.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task Text_that_is_not_utf8_is_400()
    {
        var bytes = Encoding.Latin1.GetBytes("{\"features\": {\"a\": \"\u00e9\"}}");

        (await Client.PostAsync("/predict", new ByteArrayContent(bytes)).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain("UTF-8");
    }

    [Fact]
    public async Task A_byte_order_mark_any_content_type_and_none_are_accepted()
    {
        await Registry.AddProductionAsync(Model);
        var json = "{\"model\": \"" + Model + "\", \"features\": {\"caf\\u00e9\": \"\\ud83d\\ude00\"}}";

        await Client.PostAsync("/predict", new ByteArrayContent([.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(json)])).ShouldBeAsync(HttpStatusCode.OK);
        await Client.PostAsync("/predict", new StringContent(json, Encoding.UTF8, "application/x-www-form-urlencoded")).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Deep_nesting_is_400()
    {
        var json = "{\"features\": " + string.Concat(Enumerable.Repeat("{\"a\":", 200)) + "1" + new string('}', 200) + "}";

        (await PredictAsync(json).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain("deeper than 64 levels");
    }

    [Fact]
    public async Task Too_many_rows_name_the_limit()
    {
        await Registry.AddProductionAsync(Model);
        Task<HttpResponseMessage> RowsAsync(int count) => AskAsync("rows", $"[{string.Join(',', Enumerable.Repeat("{}", count))}]");

        (await RowsAsync(10_000).ShouldBeAsync(HttpStatusCode.OK))["predictions"]!.AsArray().Should().HaveCount(10_000);
        (await RowsAsync(10_001).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain("10,000").And.Contain("Limits__RequestRows");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Too_large_a_body_is_413_whether_its_length_is_announced_or_not(bool announced)
    {
        await using var host = await WebHost.StartAsync(
            Azurite.NewStorage(), services => services.ChangeOptions(options => options with { Limits = new InputLimits { JsonBytes = 1000 } }));
        var request = new HttpRequestMessage(HttpMethod.Post, "/predict") { Content = new ByteArrayContent(new byte[5000]) };
        request.Headers.TransferEncodingChunked = !announced;

        (await host.Client.SendAsync(request).ShouldFailAsync(HttpStatusCode.RequestEntityTooLarge)).Should()
            .Contain("1,000 bytes").And.Contain("Limits__JsonBytes");
    }

    /// <summary>Asks this test's model.</summary>
    private Task<HttpResponseMessage> AskAsync(string key, string json) => PredictAsync($"{{\"model\": \"{Model}\", \"{key}\": {json}}}");

    private Task<HttpResponseMessage> PredictAsync(string json) => Client.PostJsonAsync("/predict", json);
}
