using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;
using MlOps.Serving;
using MlOps.Serving.Monitoring;
using MlOps.Testing;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class PredictionsApiTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly string model = AzuriteFixture.UniqueModel();

    private WebHost host = null!;

    public async Task InitializeAsync()
    {
        host = await WebHost.StartAsync(
            azurite.NewStorage(),
            services => services.AddSingleton(new PredictionLogOptions { WriteEvery = TimeSpan.FromMilliseconds(20) }).AddPredictionLog());
        await host.Get<DefinitionStore>().PutAsync(new PipelineDefinition { Model = model, Target = "y" }, default);
        await host.Get<MlOps.Pipeline.Registry.ModelRegistry>().AddProductionAsync(model);
    }

    public async Task DisposeAsync() => await host.DisposeAsync();

    [Fact]
    public async Task The_rows_of_a_key_are_exported_and_deleted_and_those_of_others_stay()
    {
        await PredictAsync("""{"features": {"a": 1, "key": "ann"}}""");
        await PredictAsync("""{"features": {"a": 2}, "key": "ann"}""");
        await PredictAsync("""{"rows": [{"a": 3}, {"a": 4}, {"a": 5}], "keys": ["bob", "ann", null]}""");
        await PredictAsync("""{"features": {"a": 6}, "key": "größer \"als\" ann"}""");
        await Eventually.IsTrueAsync(async () => (await LinesAsync()).Count == 6);

        var (type, ann) = await ExportAsync("ann");
        var odd = await ExportAsync("größer \"als\" ann");
        var deleted = await host.Client.DeleteAsync($"/models/{model}/predictions?key=ann").ShouldBeAsync(HttpStatusCode.OK);
        var again = await host.Client.DeleteAsync($"/models/{model}/predictions?key=ann").ShouldBeAsync(HttpStatusCode.OK);

        type.Should().Be("application/x-ndjson");
        ann.Select(row => (int)row["features"]!["a"]!).Should().Equal(2, 4);
        ann.Should().OnlyContain(row => (string)row["key"]! == "ann" && (string)row["model"]! == model && (int)row["version"]! == 1);
        odd.Rows.Should().ContainSingle();
        deleted.ToJsonString().Should().MatchRegex("""^{"rows":2,"files":[12],"feedback":0}$""");
        again.ToJsonString().Should().Be("""{"rows":0,"files":0,"feedback":0}""");
        (await ExportAsync("ann")).Rows.Should().BeEmpty();
        (await LinesAsync()).Select(row => (int)row["features"]!["a"]!).Order().Should().Equal(1, 3, 5, 6);
        await PredictAsync("""{"features": {"a": 7}, "key": "bob"}""");
        await Eventually.IsTrueAsync(async () => (await ExportAsync("bob")).Rows.Count == 2, () => "the host goes on in another file");
    }

    [Fact]
    public async Task A_deletion_stands_in_the_trail_without_the_key()
    {
        await host.Client.DeleteAsync($"/models/{model}/predictions?key=ann@example.org").ShouldBeAsync(HttpStatusCode.OK);

        var told = (await host.Get<AuditTrail>().ListAsync(1000, null, default)).Items.Single(entry => entry.Subject == $"models/{model}/predictions");

        (told.Action, told.From, told.To, told.Outcome).Should().Be(
            ("delete predictions", RowKey.FingerprintOf("ann@example.org"), "0 rows deleted", AuditOutcome.Done));
        told.ToString().Should().NotContain("ann@");
    }

    [Theory]
    [InlineData("", "whose rows")]
    [InlineData("?key=", "key must have 1 to 200 characters")]
    [InlineData("?key=a%0Ab", "no control character")]
    [InlineData("?key=a&days=0", "days is '0'")]
    [InlineData("?key=a&days=x", "days is 'x'")]
    public async Task What_cannot_be_meant_is_refused_before_anything_is_read(string query, string expected) =>
        (await host.Client.GetAsync($"/models/{model}/predictions{query}").ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain(expected);

    [Theory]
    [InlineData("""{"features": {"a": 1}, "keys": ["x"]}""", "keys goes with 'rows'")]
    [InlineData("""{"rows": [{"a": 1}], "key": "x"}""", "key goes with 'features'")]
    [InlineData("""{"rows": [{"a": 1}], "keys": ["x", "y"]}""", "keys has 2 items for 1 rows")]
    [InlineData("""{"rows": [{"a": 1}], "keys": [1]}""", "keys[0] must be a text")]
    [InlineData("""{"rows": [{"a": 1}], "keys": [""]}""", "keys[0] must have 1 to 200 characters")]
    [InlineData("""{"features": {"a": 1}, "key": "a\u0000"}""", "key must have 1 to 200 characters")]
    public async Task A_key_that_fits_no_row_is_refused(string body, string expected)
    {
        var problem = await SendAsync(body).ShouldBeProblemAsync(HttpStatusCode.BadRequest);

        problem.ToJsonString(HttpAssertions.Relaxed).Should().Contain(expected);
    }

    private async Task PredictAsync(string body) => await SendAsync(body).ShouldBeAsync(HttpStatusCode.OK);

    private Task<HttpResponseMessage> SendAsync(string body) => host.Client.PostJsonAsync("/predict", $$"""{"model": "{{model}}", {{body[1..]}}""");

    private async Task<(string? Type, IReadOnlyList<JsonNode> Rows)> ExportAsync(string key)
    {
        using var answer = await host.Client.GetAsync($"/models/{model}/predictions?key={Uri.EscapeDataString(key)}&days=2");
        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        return (answer.Content.Headers.ContentType?.MediaType, Rows(await answer.Content.ReadAsStringAsync()));
    }

    private async Task<IReadOnlyList<JsonNode>> LinesAsync()
    {
        var rows = new List<JsonNode>();
        await foreach (var blob in host.Storage.Predictions.GetBlobsAsync(default, default, model + "/", CancellationToken.None))
        {
            rows.AddRange(Rows((await host.Storage.Predictions.GetBlobClient(blob.Name).DownloadContentAsync()).Value.Content.ToString()));
        }
        return rows;
    }

    private static IReadOnlyList<JsonNode> Rows(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
}
