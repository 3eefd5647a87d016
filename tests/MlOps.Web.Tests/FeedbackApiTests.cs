using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Definitions;
using MlOps.Serving.Feedback;
using MlOps.Testing;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class FeedbackApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Fact]
    public async Task What_came_true_is_kept_once_by_id_by_key_and_as_a_csv()
    {
        await Registry.AddProductionAsync(Model);
        var predicted = await Client.PostJsonAsync("/predict", $$$"""{"model": "{{{Model}}}", "rows": [{"a": 1}, {"a": 2}], "keys": ["ann", "bob, jr"]}""")
            .ShouldBeAsync(HttpStatusCode.OK);
        var ids = predicted["ids"]!.AsArray().Select(id => (string)id!).ToList();

        var one = await Client.PostJsonAsync("/feedback", $$"""{"model": "{{Model}}", "id": "{{ids[0]}}", "actual": 17.50}""").ShouldBeAsync(HttpStatusCode.OK);
        var many = await Client.PostJsonAsync(
            "/feedback", $$$"""{"model": "{{{Model}}}", "items": [{"id": "{{{ids[0]}}}", "actual": "17.5"}, {"key": "bob, jr", "actual": 3}]}""")
            .ShouldBeAsync(HttpStatusCode.OK);
        var csv = await PostCsvAsync($"id,actual\n{ids[0]},18\n{ids[1]},3\n").ShouldBeAsync(HttpStatusCode.OK);
        var keys = await PostCsvAsync("key;actual\n\"bob, jr\";3\n").ShouldBeAsync(HttpStatusCode.OK);

        Counts(one).Should().Be((1, 0, 0));
        Counts(many).Should().Be((1, 1, 0));
        Counts(csv).Should().Be((1, 0, 1));
        Counts(keys).Should().Be((0, 1, 0));
        (await Host.Get<FeedbackStore>().ReadAsync(Model, DateTimeOffset.UtcNow.AddHours(-1), default).ToListAsync())
            .Select(item => $"{item.Id}|{item.Key}|{item.Actual}").Should().BeEquivalentTo($"{ids[0]}||18", $"{ids[1]}||3", "|bob, jr|3");
    }

    [Fact]
    public async Task What_was_told_of_a_key_goes_with_its_rows()
    {
        await Registry.AddProductionAsync(Model);
        await Client.PostJsonAsync("/feedback", $$$"""{"model": "{{{Model}}}", "items": [{"key": "ann", "actual": 1}, {"key": "bob", "actual": 1}]}""")
            .ShouldBeAsync(HttpStatusCode.OK);

        var deleted = await Client.DeleteAsync($"/models/{Model}/predictions?key=ann").ShouldBeAsync(HttpStatusCode.OK);

        ((int)deleted["rows"]!, (int)deleted["feedback"]!).Should().Be((0, 1));
        (await Host.Get<FeedbackStore>().ReadAsync(Model, DateTimeOffset.UtcNow.AddHours(-1), default).SingleAsync()).Key.Should().Be("bob");
    }

    [Fact]
    public async Task Labels_are_kept_as_the_data_spell_them()
    {
        await Registry.AddProductionAsync(Model, TaskKind.Binary);

        await Client.PostJsonAsync("/feedback", $$"""{"model": "{{Model}}", "key": "ann", "actual": "YES"}""").ShouldBeAsync(HttpStatusCode.OK);

        (await Host.Get<FeedbackStore>().ReadAsync(Model, DateTimeOffset.UtcNow.AddHours(-1), default).SingleAsync()).Actual.Should().Be("yes");
        (await Client.PostJsonAsync("/feedback", $$"""{"model": "{{Model}}", "key": "ann", "actual": "maybe"}""").ShouldFailAsync(HttpStatusCode.BadRequest))
            .Should().Contain("one of no, yes");
    }

    [Theory]
    [InlineData("""{"id": "x", "actual": 1}""", "id is no prediction's id")]
    [InlineData("""{"id": "01a08000-0000-7000-8000-000000000000-x", "actual": 1}""", "id is no prediction's id")]
    [InlineData("""{"id": "0fffffff-0000-7000-8000-000000000000", "actual": 1}""", "still to come")]
    [InlineData("""{"actual": 1}""", "id is missing")]
    [InlineData("""{"id": "019df0d2-3040-7e5c-90f8-7731ae3f7ec9", "key": "ann", "actual": 1}""", "both given")]
    [InlineData("""{"key": "ann"}""", "actual is missing")]
    [InlineData("""{"key": "ann", "actual": "much"}""", "predicts numbers")]
    [InlineData("""{"key": "ann", "actual": null}""", "actual is missing")]
    [InlineData("""{"key": "ann", "actual": [1]}""", "actual must be a value")]
    [InlineData("""{"key": "", "actual": 1}""", "id is missing")]
    [InlineData("""{"items": [{"key": "ann", "actual": 1}, {"key": "ann", "actual": 1, "value": 1}]}""", "items[1].value")]
    [InlineData("""{"items": [{"key": "ann", "actual": 1}, 7]}""", "items[1] must be an object")]
    [InlineData("""{"items": [{"key": "ann", "actual": 1}], "key": "bob"}""", "key")]
    public async Task What_is_no_feedback_is_refused_and_nothing_of_it_is_kept(string body, string why)
    {
        await Registry.AddProductionAsync(Model);
        var asked = JsonNode.Parse(body)!;
        asked["model"] = Model;

        (await Client.PostJsonAsync("/feedback", asked.ToJsonString()).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain(why);

        (await Host.Get<FeedbackStore>().ReadAsync(Model, DateTimeOffset.UnixEpoch, default).ToListAsync()).Should().BeEmpty();
        await Client.PostJsonAsync("/feedback", """{"model": "no-such-model", "key": "a", "actual": 1}""").ShouldFailAsync(HttpStatusCode.NotFound);
        (await PostCsvAsync("who,actual\nann,1\n").ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain("must name 'actual'");
    }

    private static (int Stored, int Repeated, int Changed) Counts(JsonNode answer) =>
        ((int)answer["stored"]!, (int)answer["repeated"]!, (int)answer["changed"]!);

    private Task<HttpResponseMessage> PostCsvAsync(string csv) =>
        Client.PostAsync($"/feedback?model={Model}", new StringContent(csv, Encoding.UTF8, "text/csv"));
}
