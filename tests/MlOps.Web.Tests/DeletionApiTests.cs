using System.Net;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Web.Tests;

/// <summary>204 when it is gone, 404 when there is nothing (any more), 409 with the reason when it is kept.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class DeletionApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Fact]
    public async Task A_run_is_deleted_once_it_has_ended()
    {
        var run = await AddRunAsync(RunState.Running);
        var url = $"/runs/{run.RunId}";

        (await Client.DeleteAsync(url).ShouldFailAsync(HttpStatusCode.Conflict)).Should().Contain("still running").And.Contain($"POST {url}/cancel");
        await Runs.MarkEndedAsync(run.RunId, RunState.Failed, "test", default);
        await ShouldBeDeletedAsync(url);

        await Client.GetAsync(url).ShouldFailAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_model_is_deleted_once_it_does_not_serve()
    {
        await Registry.AddProductionAsync(Model);
        await Registry.AddVersionAsync(Model);

        (await Client.DeleteAsync($"/models/{Model}").ShouldFailAsync(HttpStatusCode.Conflict)).Should()
            .Contain($"DELETE /models/{Model}/aliases/production");
        await ShouldBeDeletedAsync($"/models/{Model}/aliases/production");
        await ShouldBeDeletedAsync($"/models/{Model}");

        await Client.GetAsync($"/models/{Model}").ShouldFailAsync(HttpStatusCode.NotFound);
        (await Registry.AddVersionAsync(Model)).Version.Should().Be(3, "a number is given once");
    }

    [Fact]
    public async Task A_version_is_deleted_when_no_alias_points_at_it()
    {
        await Registry.AddVersionAsync(Model);
        await Registry.AddVersionAsync(Model);

        (await Client.DeleteAsync($"/models/{Model}/versions/2").ShouldFailAsync(HttpStatusCode.Conflict)).Should().Contain("Alias 'candidate'");
        await ShouldBeDeletedAsync($"/models/{Model}/versions/1");

        var body = await Client.GetAsync($"/models/{Model}").ShouldBeAsync(HttpStatusCode.OK);
        body["versions"]!.AsArray().Select(version => (int)version!["version"]!).Should().Equal(2);
    }

    [Fact]
    public async Task A_definition_is_deleted_and_can_be_declared_again()
    {
        await DeclareAsync();

        await ShouldBeDeletedAsync($"/pipelines/{Model}");

        await Client.PutJsonAsync($"/pipelines/{Model}", """{"target": "y"}""").ShouldBeAsync(HttpStatusCode.Created);
    }

    [Theory]
    [InlineData("may.csv")]
    [InlineData("2026/may%20%C3%A4.csv")]
    public async Task A_file_is_deleted(string file)
    {
        var name = $"{Model}/{Uri.UnescapeDataString(file)}";
        await Host.Storage.Raw.GetBlobClient(name).UploadAsync(BinaryData.FromString("a"));

        await ShouldBeDeletedAsync($"/raw/{Model}/{file}");

        (await Host.Storage.Raw.GetBlobClient(name).ExistsAsync()).Value.Should().BeFalse();
    }

    [Theory]
    [InlineData("/runs/no-such-run")]
    [InlineData("/runs/NOT%20A%20RUN")]
    [InlineData("/models/no-such-model")]
    [InlineData("/models/NO%23MODEL")]
    [InlineData("/models/no-such-model/versions/1")]
    [InlineData("/models/no-such-model/versions/one")]
    [InlineData("/models/no-such-model/aliases/production")]
    [InlineData("/models/no-such-model/aliases/NO%20ALIAS")]
    [InlineData("/pipelines/no-such-model")]
    [InlineData("/raw/no-such-model/a.csv")]
    [InlineData("/raw/no-such-model/..%2Fa.csv")]
    public async Task What_there_is_not_is_404(string url) => await Client.DeleteAsync(url).ShouldFailAsync(HttpStatusCode.NotFound);

    private async Task ShouldBeDeletedAsync(string url)
    {
        using var deleted = await Client.DeleteAsync(url);
        deleted.StatusCode.Should().Be(HttpStatusCode.NoContent, await deleted.Content.ReadAsStringAsync());
        await Client.DeleteAsync(url).ShouldFailAsync(HttpStatusCode.NotFound);
    }
}
