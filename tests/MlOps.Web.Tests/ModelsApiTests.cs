using System.Net;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Features;
using MlOps.Testing;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class ModelsApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Fact]
    public async Task A_model_shows_versions_aliases_and_every_move_of_an_alias()
    {
        await Registry.AddProductionAsync(Model);
        await Registry.AddVersionAsync(Model);

        var body = await Client.GetAsync($"/models/{Model}").ShouldBeAsync(HttpStatusCode.OK);

        ((int)body["latestVersion"]!).Should().Be(2);
        body["aliases"]!.ToJsonString().Should().Be("""{"candidate":2,"production":1}""");
        body["versions"]!.AsArray().Select(v => (int)v!["version"]!).Should().Equal(2, 1);
        body["versions"]![1]!["aliases"]!.ToJsonString().Should().Be("""["production"]""");
        body["history"]!.AsArray().Select(h => $"{h!["alias"]} {h["from"]}→{h["to"]}").Should().Equal("candidate 1→2", "production →1", "candidate →1");
    }

    [Fact]
    public async Task Models_are_listed_with_their_aliases()
    {
        await Registry.AddProductionAsync(Model);

        var body = await Client.GetAsync("/models?take=1000").ShouldBeAsync(HttpStatusCode.OK);

        var listed = body["models"]!.AsArray().Should().ContainSingle(m => (string)m!["model"]! == Model).Subject!;
        ((int)listed["aliases"]!["production"]!).Should().Be(1);
        listed.AsObject().Should().NotContainKey("versions");
    }

    [Fact]
    public async Task A_version_shows_its_signature_metrics_and_lineage()
    {
        var version = await Registry.AddVersionAsync(Model);
        var signature = new Signature(
            [new("a", ColumnKind.Numeric, Optional: true)], [new("a", ColumnKind.Numeric), new("log_a", ColumnKind.Numeric)], new("y", ColumnKind.Numeric));
        await Host.Storage.Artifacts.GetBlobClient($"{version.ModelBlobs}/signature.json").UploadAsync(new BinaryData(Json.Write(signature)));

        var body = await Client.GetAsync($"/models/{Model}/versions/1").ShouldBeAsync(HttpStatusCode.OK);

        body["signature"]!.ToJsonString().Should().Be(Json.Write(signature));
        body["metrics"]!.ToJsonString().Should().Be("""{"val_rmse":1.5}""");
        ((string)body["lineage"]!["train"]!).Should().Be("t");
        ((string)body["links"]!["run"]!).Should().Be($"/runs/{version.RunId}");
        ((string)body["task"]!).Should().Be("regression");
    }

    [Fact]
    public async Task A_version_whose_signature_is_gone_is_still_shown()
    {
        await Registry.AddVersionAsync(Model);

        (await Client.GetAsync($"/models/{Model}/versions/1").ShouldBeAsync(HttpStatusCode.OK)).AsObject().Should().NotContainKey("signature");
    }

    [Theory]
    [InlineData("2")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("latest")]
    [InlineData("99999999999999")]
    public async Task A_version_that_is_not_there_is_404(string version)
    {
        await Registry.AddVersionAsync(Model);

        (await Client.GetAsync($"/models/{Model}/versions/{version}").ShouldFailAsync(HttpStatusCode.NotFound)).Should().Contain("the newest is 1");
    }

    [Fact]
    public async Task An_alias_is_pointed_at_a_version()
    {
        await Registry.AddProductionAsync(Model);
        await Registry.AddVersionAsync(Model);

        var body = await Client.PutJsonAsync($"/models/{Model}/aliases/production", """{"version": 2}""").ShouldBeAsync(HttpStatusCode.OK);
        await Client.PutJsonAsync($"/models/{Model}/aliases/shadow", """{"version": 1}""").ShouldBeAsync(HttpStatusCode.OK);

        ((int)body["aliases"]!["production"]!).Should().Be(2);
        (await Registry.FindAsync(Model, default))!.Aliases.Should().Contain("production", 2).And.Contain("shadow", 1);
    }

    [Theory]
    [InlineData("production", """{"version": 7}""", "no version 7")]
    [InlineData("production", """{"version": 0}""", "version is 0")]
    [InlineData("production", """{"version": 1.5}""", "whole number")]
    [InlineData("production", """{"version": "1"}""", "must be a number")]
    [InlineData("production", """{"verison": 1}""", "did you mean 'version'")]
    [InlineData("production", "", "version is missing")]
    [InlineData("production", "{", "line 1, position 2")]
    [InlineData("Not%20an%20alias", """{"version": 1}""", "lower-case letters")]
    public async Task A_wrong_alias_or_version_is_400_and_moves_nothing(string alias, string json, string expected)
    {
        await Registry.AddVersionAsync(Model);

        var problem = await Client.PutJsonAsync($"/models/{Model}/aliases/{alias}", json).ShouldBeProblemAsync(HttpStatusCode.BadRequest);

        problem.ToJsonString(HttpAssertions.Relaxed).Should().Contain(expected);
        (await Registry.FindAsync(Model, default))!.Aliases.Should().NotContainKey("production");
    }

    [Fact]
    public async Task A_rollback_goes_back_one_version_and_not_further_than_the_first()
    {
        await Registry.AddProductionAsync(Model);
        await Registry.AddProductionAsync(Model);

        var body = await Client.PostJsonAsync($"/models/{Model}/rollback", """{"from": 2}""").ShouldBeAsync(HttpStatusCode.OK);
        ((int)body["aliases"]!["production"]!, (int)body["from"]!).Should().Be((1, 2));

        (await Client.PostJsonAsync($"/models/{Model}/rollback", """{"from": 1}""").ShouldFailAsync(HttpStatusCode.Conflict)).Should()
            .Contain("version 1 is the first");
    }

    [Fact]
    public async Task A_rollback_that_names_no_version_is_told_which_is_there()
    {
        await Registry.AddProductionAsync(Model);
        await Registry.AddProductionAsync(Model);

        var unnamed = await Client.PostAsync($"/models/{Model}/rollback", null).ShouldFailAsync(HttpStatusCode.BadRequest);

        unnamed.Should().Contain("version 2 of model").And.Contain("{\"from\": 2}").And.Contain("If-Match: \"2\"");
        (await Registry.FindAsync(Model, default))!.Production.Should().Be(2);
    }

    [Theory]
    [InlineData("\"2\"", null, 200)]
    [InlineData("\"2\"", """{"from": 2}""", 200)]
    [InlineData("\"2\"", """{"from": 1}""", 400)]
    [InlineData("\"two\"", null, 400)]
    [InlineData("*", null, 400)]
    [InlineData("\"1\"", null, 409)]
    public async Task A_rollback_takes_the_version_from_If_Match(string ifMatch, string? json, int status)
    {
        await Registry.AddProductionAsync(Model);
        await Registry.AddProductionAsync(Model);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{Model}/rollback");
        request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        request.Content = json is null ? null : new StringContent(json);

        using var answer = await Client.SendAsync(request);

        ((int)answer.StatusCode).Should().Be(status, await answer.Content.ReadAsStringAsync());
        (await Registry.FindAsync(Model, default))!.Production.Should().Be(status == 200 ? 1 : 2);
    }

    [Fact]
    public async Task Models_and_versions_come_in_pages()
    {
        string[] models = [.. Enumerable.Range(0, 3).Select(i => $"{Model}-{i}")];
        foreach (var model in models)
        {
            await Registry.AddVersionAsync(model);
        }
        for (var version = 0; version < 5; version++)
        {
            await Registry.AddVersionAsync(models[0]);
        }
        await Registry.DeleteVersionsAsync(models[0], [4, 3], [], "test", default);

        var names = await ReadAllAsync("/models?take=2", "models", model => (string)model["model"]!);
        var versions = await ReadAllAsync($"/models/{models[0]}/versions?take=2", "versions", version => $"{(int)version["version"]!}");

        names.Should().OnlyHaveUniqueItems().And.BeInAscendingOrder(StringComparer.Ordinal).And.Contain(models);
        versions.Should().Equal("6", "5", "2", "1");
        await Client.GetAsync("/models?next=x!").ShouldFailAsync(HttpStatusCode.BadRequest);
        await Client.GetAsync($"/models/{models[0]}/versions?take=0").ShouldFailAsync(HttpStatusCode.BadRequest);
        await Client.GetAsync("/models/no-such-model/versions").ShouldFailAsync(HttpStatusCode.NotFound);
    }

    private async Task<List<string>> ReadAllAsync(string url, string list, Func<JsonNode, string> read)
    {
        var found = new List<string>();
        string? next = null;
        do
        {
            var body = await Client.GetAsync(next is null ? url : $"{url}&next={next}").ShouldBeAsync(HttpStatusCode.OK);
            body[list]!.AsArray().Count.Should().BeLessThanOrEqualTo(2);
            found.AddRange(body[list]!.AsArray().Select(item => read(item!)));
            next = (string?)body["next"];
        }
        while (next is not null);
        return found;
    }

    [Fact]
    public async Task The_same_rollback_twice_goes_back_once()
    {
        await Registry.AddProductionAsync(Model);
        await Registry.AddProductionAsync(Model);
        await Registry.AddProductionAsync(Model);

        var first = await Client.PostJsonAsync($"/models/{Model}/rollback", """{"from": 3}""").ShouldBeAsync(HttpStatusCode.OK);
        var again = await Client.PostJsonAsync($"/models/{Model}/rollback", """{"from": 3}""").ShouldBeAsync(HttpStatusCode.OK);
        var other = await Client.PostJsonAsync($"/models/{Model}/rollback", """{"from": 1}""").ShouldFailAsync(HttpStatusCode.Conflict);
        var wrong = await Client.PostJsonAsync($"/models/{Model}/rollback", """{"from": "3"}""").ShouldFailAsync(HttpStatusCode.BadRequest);

        ((int)first["aliases"]!["production"]!, (int)again["aliases"]!["production"]!).Should().Be((2, 2));
        other.Should().Contain("Version 1").And.Contain("version 2 is");
        wrong.Should().Contain("from");
        (await Registry.ListHistoryAsync(Model, default)).Count(change => change.Reason == "rolled back").Should().Be(1);
    }

    [Theory]
    [InlineData("no-such-model")]
    [InlineData("NOT%20A%20NAME")]
    [InlineData("a%23%3Fb")]
    public async Task An_unknown_model_is_404_everywhere(string name)
    {
        (await Client.GetAsync($"/models/{name}").ShouldFailAsync(HttpStatusCode.NotFound)).Should().Contain("GET /models");
        await Client.GetAsync($"/models/{name}/versions/1").ShouldFailAsync(HttpStatusCode.NotFound);
        await Client.PostAsync($"/models/{name}/rollback", null).ShouldFailAsync(HttpStatusCode.NotFound);
        await Client.PutJsonAsync($"/models/{name}/aliases/production", """{"version": 1}""").ShouldFailAsync(HttpStatusCode.NotFound);
    }
}
