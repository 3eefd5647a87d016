using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Web.Tests;

/// <summary>What is damaged and what nothing reaches, over HTTP. On a storage of its own, of which all is collected.</summary>
public sealed class DataCareTests : IAsyncLifetime
{
    private readonly AzuriteFixture azurite = new();
    private readonly string model = AzuriteFixture.UniqueModel();
    private WebHost host = null!;

    public async Task InitializeAsync()
    {
        await azurite.InitializeAsync();
        host = await WebHost.StartAsync(azurite.NewStorage(), services => services.Replace(ServiceDescriptor.Singleton<IPipelineEngine, InlineEngine>()));
        await host.Client.PutAsJsonAsync(
            $"/pipelines/{model}", new { target = "fare", candidates = new[] { new { trainer = "sdca" } } }).ShouldBeAsync(HttpStatusCode.Created);
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await azurite.DisposeAsync();
    }

    [Fact]
    public async Task A_part_with_other_bytes_or_none_and_a_view_of_nothing_are_named()
    {
        await RunAsync("may.csv", seed: 1, goal: "model");
        var versions = (await GetAsync($"/datasets/{model}/versions"))["versions"]!.AsArray();
        var ids = versions.ToDictionary(version => (string)version!["version"]!["stage"]!, version => (string)version!["version"]!["id"]!);
        await AlterAsync(await PartOfAsync(ids["raw"]));
        await host.Storage.Datasets.DeleteBlobAsync(await PartOfAsync(ids["clean"]));
        await host.Storage.Datasets.DeleteBlobAsync($"{ids["features"]}/manifest.json");

        var broken = (await GetAsync($"/datasets/{model}/verify"))["broken"]!.AsArray();

        broken.Select(finding => ((string)finding!["where"]!, (string)finding["problem"]!)).Should().BeEquivalentTo(new[]
        {
            ($"datasets/{ids["raw"]}", $"Its part {await NameOfAsync(ids["raw"])} has other bytes than were written. Restore a backup."),
            ($"datasets/{ids["clean"]}", $"Its part {await NameOfAsync(ids["clean"])} is not there. Restore a backup, or delete the version's folder and run "
                + "the file again."),
            ($"datasets/{ids["features"]}", "It is in the log, and is not there. Run its file again, or restore a backup."),
            ($"datasets/{ids["train"]}", $"It is a view of version {ids["features"]}, which there is not. Restore a backup."),
            ($"datasets/{ids["validation"]}", $"It is a view of version {ids["features"]}, which there is not. Restore a backup."),
        });
    }

    [Fact]
    public async Task What_nothing_reaches_is_deleted_after_a_day_and_the_rest_stays()
    {
        var forgotten = await RunAsync("may.csv", seed: 1, goal: "dataset");
        await RunAsync("june.csv", seed: 2, goal: "dataset");
        var (kept, lost) = (await IdAsync("latest"), await IdAsync("latest~1"));
        await host.Client.DeleteAsync($"/runs/{forgotten}");
        var bytes = (await ContentsAsync(lost)).Sum(blob => blob.Properties.ContentLength!.Value);
        await using var later = await WebHost.StartAsync(
            host.Storage, services => services.AddSingleton<TimeProvider>(new TestClock(DateTimeOffset.UtcNow.AddDays(2))));

        var young = await CollectAsync(host, delete: true);
        var told = await CollectAsync(later, delete: false);
        var before = await ContentsAsync(lost);
        var deleted = await CollectAsync(later, delete: true);

        ((int)young["folders"]!).Should().Be(0, "it is younger than a day");
        ((int)told["folders"]!, (long)told["bytes"]!, (int)told["deleted"]!).Should().Be((1, bytes, 0));
        ((string)told["found"]![0]!["where"]!).Should().Be($"datasets/{lost}");
        before.Should().NotBeEmpty("to be told is not to be deleted");
        ((int)deleted["deleted"]!, (long)deleted["deletedBytes"]!).Should().Be((1, bytes));
        (await ContentsAsync(lost)).Should().BeEmpty();
        (await host.Client.GetAsync($"/datasets/{model}/versions/{lost}")).StatusCode.Should().Be(HttpStatusCode.NotFound);
        (await host.Client.GetStringAsync($"/datasets/{model}/versions/{kept}/content?format=csv")).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Should().HaveCount(61);
        ((int)(await CollectAsync(later, delete: true))["folders"]!).Should().Be(0);
    }

    private async Task<string> RunAsync(string file, int seed, string goal)
    {
        await host.Client.PutAsync($"/raw/{model}/{file}", new StringContent(Trips.Csv(60, seed))).ShouldBeAsync(HttpStatusCode.Created);
        var run = await host.Client.PostAsJsonAsync($"/pipelines/{model}/runs", new { source = $"raw/{model}/{file}", goal })
            .ShouldBeAsync(HttpStatusCode.Accepted);
        return (string)run["runId"]!;
    }

    private Task<JsonNode> GetAsync(string path) => host.Client.GetAsync(path).ShouldBeAsync(HttpStatusCode.OK);

    private async Task<string> IdAsync(string name) => (string)(await GetAsync($"/datasets/{model}/versions/{name}"))["version"]!["id"]!;

    private static Task<JsonNode> CollectAsync(WebHost on, bool delete) =>
        on.Client.PostAsJsonAsync("/datasets/gc", new { delete }).ShouldBeAsync(HttpStatusCode.OK);

    private async Task<IReadOnlyList<Azure.Storage.Blobs.Models.BlobItem>> ContentsAsync(string id) =>
        await host.Storage.Datasets.GetBlobsAsync(default, default, $"{id}/", default).ToListAsync();

    private async Task<string> NameOfAsync(string id) => (await host.Get<DatasetStore>().GetAsync(id, default)).Parts.Single().Name;

    private async Task<string> PartOfAsync(string id) => $"{id}/{await NameOfAsync(id)}";

    /// <summary>Another byte, the same length: only who reads it sees that.</summary>
    private async Task AlterAsync(string blob)
    {
        var client = host.Storage.Datasets.GetBlobClient(blob);
        var content = (await client.DownloadContentAsync()).Value.Content.ToArray();
        content[content.Length / 2] ^= 1;
        await client.UploadAsync(BinaryData.FromBytes(content), overwrite: true);
    }
}
