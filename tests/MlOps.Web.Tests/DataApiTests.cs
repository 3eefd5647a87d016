using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Web.Tests;

/// <summary>Dataset versions over HTTP, of two runs that really happened.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class DataApiTests(DataApiTests.TwoRuns two) : IClassFixture<DataApiTests.TwoRuns>
{
    private readonly string model = two.Model;
    private readonly WebHost host = two.Host;

    [Fact]
    public async Task Versions_are_listed_shown_and_given_as_files()
    {
        var raw = await GetAsync("versions?stage=raw&take=1");
        var next = await GetAsync($"versions?stage=raw&take=1&next={raw["next"]}");
        var newest = raw["versions"]![0]!["version"]!;

        ((string)newest["source"]!).Should().EndWith("june.csv");
        ((string)next["versions"]![0]!["version"]!["source"]!).Should().EndWith("may.csv");
        next.AsObject().Should().NotContainKey("next");
        var shown = await GetAsync("versions/latest");
        shown["version"]!.ToJsonString().Should().Be(newest.ToJsonString());
        shown["columns"]!.AsArray().Select(column => (string)column!["name"]!).Should().Equal(Trips.Header.Split(','));
        shown["runs"]!.AsArray().Should().ContainSingle();
        shown.AsObject().Should().NotContainKey("shared", "its bytes are its own");
        var (clean, train) = (await GetAsync("versions/v1:clean"), await GetAsync("versions/v1:train"));
        ((long)train["version"]!["bytes"]!, (string)train["shared"]!["with"]!, (long)train["shared"]!["bytes"]!).Should().Be(
            (0, (string)clean["version"]!["id"]!, (long)clean["version"]!["bytes"]!), "it is a view of a view of that");
        using var csv = await host.Client.GetAsync((string)shown["links"]!["csv"]!);
        (csv.StatusCode, csv.Content.Headers.ContentType!.MediaType, csv.Content.Headers.ContentDisposition!.FileName).Should()
            .Be((HttpStatusCode.OK, "text/csv", $"{model}-raw.csv"));
        (await csv.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Should().HaveCount(221);
        var parquet = await host.Client.GetByteArrayAsync((string)shown["links"]!["parquet"]!);
        parquet.AsSpan(0, 4).ToArray().Should().Equal("PAR1"u8.ToArray());
    }

    [Theory]
    [InlineData("""{}""", "from is missing")]
    [InlineData("""{"from":"yesterday","until":"2026-11-26T12:00:00Z"}""", "from is 'yesterday'")]
    [InlineData("""{"from":"2026-11-26T12:00:00Z","until":"2026-11-26T12:00:00Z"}""", "'until' must come after 'from'")]
    [InlineData("""{"from":"2026-11-26T10:00:00Z","until":"2026-11-26T12:00:00Z"}""", "POST /feedback tells it")]
    [InlineData("""{"from":"2026-11-26T10:00:00Z","until":"2026-11-26T12:00:00Z","hours":2}""", "hours is not known")]
    public async Task Data_that_cannot_be_made_of_predictions_are_refused_with_what_to_do(string body, string problem)
    {
        (await host.Client.PostJsonAsync($"/datasets/{model}/from-predictions", body).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain(problem);
    }

    [Fact]
    public async Task A_diff_says_what_came_and_what_went()
    {
        var diff = await GetAsync("diff?from=latest~1&to=latest&take=2");
        var without = await GetAsync("diff?from=latest&to=latest&take=0&statistics=false");

        ((long)diff["rows"]!["added"]!, (long)diff["rows"]!["removed"]!).Should().Be((220, 200));
        diff["rows"]!["addedRows"]!.AsArray().Should().HaveCount(2);
        diff["statistics"]!.AsArray().Should().HaveCount(6);
        ((long)without["rows"]!["same"]!).Should().Be(220);
        without.AsObject().Should().NotContainKey("statistics");
    }

    [Fact]
    public async Task A_tag_names_a_version_which_a_run_may_be_started_on()
    {
        var created = await host.Client.PutAsJsonAsync(Path("tags/golden"), new { version = "latest~1" }).ShouldBeAsync(HttpStatusCode.OK);
        ((string)created["name"]!).Should().Be("golden");
        await host.Client.PutAsJsonAsync(Path("tags/golden"), new { version = "latest~1" }).ShouldBeAsync(HttpStatusCode.OK);
        (await host.Client.PutAsJsonAsync(Path("tags/golden"), new { version = "latest" }).ShouldFailAsync(HttpStatusCode.Conflict)).Should()
            .Contain("for good");
        ((string)(await GetAsync("tags"))["tags"]![0]!["version"]!).Should().Be((string)created["version"]!);

        var started = await host.Client.PostAsJsonAsync($"/pipelines/{model}/runs", new { data = "golden" }).ShouldBeAsync(HttpStatusCode.Accepted);

        var run = await host.Client.GetAsync($"/runs/{started["runId"]}").ShouldBeAsync(HttpStatusCode.OK);
        ((string)run["source"]!).Should().Be($"datasets/{created["version"]}");
        ((string)run["state"]!).Should().BeOneOf("succeeded", "blocked");
        (await host.Client.DeleteAsync(Path("tags/golden"))).StatusCode.Should().Be(HttpStatusCode.NoContent);
        await host.Client.DeleteAsync(Path("tags/golden")).ShouldFailAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Tags_and_the_runs_of_a_version_come_a_page_at_a_time()
    {
        var own = AzuriteFixture.UniqueModel();
        await host.Client.PutAsJsonAsync($"/pipelines/{own}", new { target = "fare" }).ShouldBeAsync(HttpStatusCode.Created);
        await host.Client.PutAsync($"/raw/{own}/may.csv", new StringContent(Trips.Csv(100, seed: 5))).ShouldBeAsync(HttpStatusCode.Created);
        for (var i = 0; i < 3; i++)
        {
            await host.Client.PostAsJsonAsync($"/pipelines/{own}/runs", new { source = $"raw/{own}/may.csv", goal = "dataset" })
                .ShouldBeAsync(HttpStatusCode.Accepted);
        }
        string[] names = ["a", "b.1", "b_2", "golden", "z9"];
        foreach (var name in names.Reverse())
        {
            await host.Client.PutAsJsonAsync($"/datasets/{own}/tags/{name}", new { version = "latest" }).ShouldBeAsync(HttpStatusCode.OK);
        }
        var all = await OwnAsync("versions/latest");

        var (tags, tagPages) = await PagesAsync("tags?take=2", page => page["tags"]!.AsArray().Select(tag => (string)tag!["name"]!));
        var (runs, runPages) = await PagesAsync("versions/latest?take=2", page => page["runs"]!.AsArray().Select(run => (string)run!));

        tags.Should().Equal(names);
        tagPages.Should().Be(3);
        runs.Should().Equal(all["runs"]!.AsArray().Select(run => (string)run!)).And.HaveCount(3).And.OnlyHaveUniqueItems();
        runPages.Should().Be(2);
        all.AsObject().Should().NotContainKey("next");
        (await OwnAsync("tags")).AsObject().Should().NotContainKey("next");
        foreach (var list in new[] { "tags", "versions/latest" })
        {
            foreach (var wrong in new[] { "take=0", "take=x", "next=x", "next=LS0", "next=YS4" })
            {
                await host.Client.GetAsync($"/datasets/{own}/{list}?{wrong}").ShouldFailAsync(HttpStatusCode.BadRequest);
            }
        }

        Task<JsonNode> OwnAsync(string path) => host.Client.GetAsync($"/datasets/{own}/{path}").ShouldBeAsync(HttpStatusCode.OK);

        async Task<(List<string> Items, int Pages)> PagesAsync(string path, Func<JsonNode, IEnumerable<string>> itemsOf)
        {
            var (items, pages, next) = (new List<string>(), 0, default(string));
            do
            {
                var page = await OwnAsync(next is null ? path : $"{path}&next={next}");
                items.AddRange(itemsOf(page));
                pages++;
                next = (string?)page["next"];
            }
            while (next is not null);
            return (items, pages);
        }
    }

    [Fact]
    public async Task A_version_is_made_the_newest_again_and_a_definition_pins_one()
    {
        var pinned = AzuriteFixture.UniqueModel();
        using var unknown = await host.Client.PutAsJsonAsync($"/pipelines/{pinned}", new { target = "fare", data = "golden" });
        (await Task.FromResult(unknown).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain("pins data 'golden'").And.Contain("data tag");
        await host.Client.PutAsJsonAsync($"/pipelines/{pinned}", new { target = "fare" }).ShouldBeAsync(HttpStatusCode.Created);
        foreach (var seed in new[] { 1, 2 })
        {
            await host.Client.PutAsync($"/raw/{pinned}/{seed}.csv", new StringContent(Trips.Csv(100, seed))).ShouldBeAsync(HttpStatusCode.Created);
            await host.Client.PostAsJsonAsync($"/pipelines/{pinned}/runs", new { source = $"raw/{pinned}/{seed}.csv", goal = "dataset" })
                .ShouldBeAsync(HttpStatusCode.Accepted);
        }
        var first = await host.Client.GetAsync($"/datasets/{pinned}/versions/latest~1").ShouldBeAsync(HttpStatusCode.OK);

        var restored = await host.Client.PostAsJsonAsync($"/datasets/{pinned}/restore", new { version = "latest~1" }).ShouldBeAsync(HttpStatusCode.OK);

        ((string)restored["version"]!["id"]!).Should().Be((string)first["version"]!["id"]!);
        (await host.Client.GetAsync($"/datasets/{pinned}/versions/latest").ShouldBeAsync(HttpStatusCode.OK))["version"]!.ToJsonString().Should()
            .Be(restored["version"]!.ToJsonString());
        await host.Client.PostAsJsonAsync($"/datasets/{pinned}/restore", new { version = "none" }).ShouldFailAsync(HttpStatusCode.NotFound);
        await host.Client.PostAsJsonAsync($"/datasets/{pinned}/restore", new { }).ShouldFailAsync(HttpStatusCode.BadRequest);

        await host.Client.PutAsJsonAsync($"/datasets/{pinned}/tags/golden", new { version = "latest~1" }).ShouldBeAsync(HttpStatusCode.OK);
        await host.Client.PutAsJsonAsync($"/pipelines/{pinned}", new { target = "fare", data = "golden" }).ShouldBeAsync(HttpStatusCode.OK);
        var run = await host.Client.PostAsync($"/pipelines/{pinned}/runs", content: null).ShouldBeAsync(HttpStatusCode.Accepted);
        ((string)run["data"]!, (string)run["source"]! == $"datasets/{first["version"]!["id"]}").Should().Be(("golden", false), "the tag is on the other");

        (await host.Client.DeleteAsync($"/datasets/{pinned}/tags/golden").ShouldFailAsync(HttpStatusCode.Conflict)).Should()
            .Contain($"The definition of model '{pinned}' pins data 'golden'").And.Contain($"PUT /pipelines/{pinned}").And.NotContain("may be moved");
        await host.Client.PostAsync($"/pipelines/{pinned}/runs", content: null).ShouldBeAsync(HttpStatusCode.Accepted);
        await host.Client.PutAsJsonAsync($"/pipelines/{pinned}", new { target = "fare" }).ShouldBeAsync(HttpStatusCode.OK);
        (await host.Client.DeleteAsync($"/datasets/{pinned}/tags/golden")).StatusCode.Should().Be(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task Versions_are_verified_a_part_at_a_time_and_what_nothing_reaches_is_told()
    {
        var (versions, pages, next) = (0, 0, default(string));
        do
        {
            var page = await GetAsync($"verify?take=2{(next is null ? "" : $"&next={next}")}");
            page["broken"]!.AsArray().Should().BeEmpty();
            (versions, pages, next) = (versions + (int)page["versions"]!, pages + 1, (string?)page["next"]);
        }
        while (next is not null);
        var all = await GetAsync("versions?take=1000");
        (versions, pages).Should().Be((all["versions"]!.AsArray().Count, (versions + 1) / 2));
        await host.Client.GetAsync(Path("verify?next=nonsense")).ShouldFailAsync(HttpStatusCode.BadRequest);

        var found = await host.Client.PostAsync("/datasets/gc", content: null).ShouldBeAsync(HttpStatusCode.OK);

        ((int)found["versions"]!).Should().BePositive();
        ((int)found["deleted"]!).Should().Be(0, "nothing is deleted that was not asked for");
        var parts = await host.Storage.Datasets.GetBlobsAsync().Where(blob => blob.Name.EndsWith(".parquet", StringComparison.Ordinal)).ToListAsync();
        ((long)found["storedBytes"]!).Should().Be(parts.Sum(part => part.Properties.ContentLength!.Value));
        var shared = new Dictionary<string, long>();
        foreach (var name in await host.Get<DefinitionStore>().ListAsync(default))
        {
            foreach (var version in (await host.Client.GetAsync($"/datasets/{name}/versions").ShouldBeAsync(HttpStatusCode.OK))["versions"]!.AsArray())
            {
                var shown = await host.Client.GetAsync((string)version!["url"]!).ShouldBeAsync(HttpStatusCode.OK);
                shared[(string)version["version"]!["id"]!] = (long?)shown["shared"]?["bytes"] ?? 0;
            }
        }
        ((long)found["sharedBytes"]!).Should().BePositive().And.Be(shared.Values.Sum());
        var deleted = await host.Client.PostAsJsonAsync("/datasets/gc", new { delete = true }).ShouldBeAsync(HttpStatusCode.OK);
        ((int)deleted["folders"]!).Should().Be(0, "all of these tests is younger than a day");
        var audit = await host.Client.GetAsync("/audit?take=1000").ShouldBeAsync(HttpStatusCode.OK);
        audit.ToJsonString().Should().Contain("\"collect\"");
    }

    [Fact]
    public async Task Lineage_leads_from_any_end_to_both()
    {
        var version = (await GetAsync("versions/v1:train"))["version"]!;
        var run = (string)version["runId"]!;
        string[] ends = [$"run/{run}", $"version/{model}@1", $"dataset/{model}@{version["id"]}", $"file/{model}/may.csv", $"file/{model}%2Fmay.csv"];
        foreach (var end in ends)
        {
            var graph = await host.Client.GetAsync($"/lineage/{end}").ShouldBeAsync(HttpStatusCode.OK);
            var nodes = graph["nodes"]!.AsArray().Select(node => (string)node!["id"]!).ToList();
            nodes.Should().Contain([$"file/raw/{model}/may.csv", $"run/{run}", $"version/{model}@1", $"dataset/{model}@{version["id"]}"], end);
            graph["edges"]!.AsArray().Select(edge => $"{edge!["from"]} {edge["word"]} {edge["to"]}").Should()
                .Contain([$"dataset/{model}@{version["id"]} train run/{run}", $"run/{run} registered version/{model}@1"], end);
        }
        var chart = await host.Client.GetStringAsync($"/lineage/version/{model}@1?format=mermaid");
        chart.Should().StartWith("flowchart LR\n").And.Contain($"[/\"raw/{model}/may.csv\"/]").And.Contain("-->|registered|");
        await host.Client.GetAsync($"/lineage/predictions/{model}/2020/01/01/10").ShouldFailAsync(HttpStatusCode.NotFound);
        var hour = DateTime.UtcNow.ToString("yyyy/MM/dd/HH", System.Globalization.CultureInfo.InvariantCulture);
        await host.Client.GetAsync($"/lineage/predictions/{model}/{hour}").ShouldBeAsync(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("cake/x", HttpStatusCode.BadRequest)]
    [InlineData("version/trips", HttpStatusCode.BadRequest)]
    [InlineData("version/trips@x", HttpStatusCode.BadRequest)]
    [InlineData("version/trips@99", HttpStatusCode.NotFound)]
    [InlineData("run/..%2F..", HttpStatusCode.BadRequest)]
    [InlineData("file/no-such-model/a.csv", HttpStatusCode.NotFound)]
    [InlineData("file/no-such-model/a.csv?format=svg", HttpStatusCode.BadRequest)]
    public async Task What_has_no_lineage_is_said(string path, HttpStatusCode status) =>
        await host.Client.GetAsync($"/lineage/{path}").ShouldFailAsync(status);

    [Theory]
    [InlineData("versions?stage=cooked", HttpStatusCode.BadRequest, "raw, clean")]
    [InlineData("versions?take=0", HttpStatusCode.BadRequest, "1 to 1000")]
    [InlineData("versions/none", HttpStatusCode.NotFound, "latest~1")]
    [InlineData("versions/none/content", HttpStatusCode.NotFound, "latest~1")]
    [InlineData("versions/latest/content?format=xlsx", HttpStatusCode.BadRequest, "csv or parquet")]
    [InlineData("diff?from=latest", HttpStatusCode.BadRequest, "Name two versions")]
    [InlineData("diff?from=latest&to=none", HttpStatusCode.NotFound, "'none'")]
    [InlineData("diff?from=latest&to=latest&key=nowhere", HttpStatusCode.BadRequest, "'nowhere'")]
    [InlineData("diff?from=latest&to=latest&statistics=maybe", HttpStatusCode.BadRequest, "true or false")]
    public async Task What_is_wrong_is_said(string path, HttpStatusCode status, string words) =>
        (await host.Client.GetAsync(Path(path)).ShouldFailAsync(status)).Should().Contain(words);

    [Fact]
    public async Task A_run_reads_one_thing_and_a_tag_is_a_name()
    {
        (await host.Client.PostAsJsonAsync($"/pipelines/{model}/runs", new { data = "latest", source = $"raw/{model}/may.csv" })
            .ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain("both");
        (await host.Client.PostAsJsonAsync($"/pipelines/{model}/runs", new { data = "none" }).ShouldFailAsync(HttpStatusCode.BadRequest)).Should()
            .Contain("'none'");
        (await host.Client.PutAsJsonAsync(Path("tags/latest"), new { version = "latest" }).ShouldFailAsync(HttpStatusCode.BadRequest)).Should()
            .Contain("must be");
        (await host.Client.PutAsJsonAsync(Path("tags/mine"), new { }).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain("version");
    }

    private string Path(string path) => $"/datasets/{model}/{path}";

    private Task<System.Text.Json.Nodes.JsonNode> GetAsync(string path) => host.Client.GetAsync(Path(path)).ShouldBeAsync(HttpStatusCode.OK);

    /// <summary>A model that has read two files. Tests look at it; the run that one of them adds has a version of these.</summary>
    public sealed class TwoRuns(AzuriteFixture azurite) : IAsyncLifetime
    {
        public string Model { get; } = AzuriteFixture.UniqueModel();

        internal WebHost Host { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Host = await WebHost.StartAsync(azurite.NewStorage(), services => services.Replace(ServiceDescriptor.Singleton<IPipelineEngine, InlineEngine>()));
            await Host.Client.PutAsJsonAsync(
                $"/pipelines/{Model}", new { target = "fare", candidates = new[] { new { trainer = "sdca" } } }).ShouldBeAsync(HttpStatusCode.Created);
            await RunAsync("may.csv", Trips.Csv(200, seed: 1));
            await RunAsync("june.csv", Trips.Csv(220, seed: 2));
        }

        public async Task DisposeAsync() => await Host.DisposeAsync();

        private async Task RunAsync(string file, string csv)
        {
            await Host.Client.PutAsync($"/raw/{Model}/{file}", new StringContent(csv)).ShouldBeAsync(HttpStatusCode.Created);
            await Host.Client.PostAsJsonAsync($"/pipelines/{Model}/runs", new { source = $"raw/{Model}/{file}" }).ShouldBeAsync(HttpStatusCode.Accepted);
        }
    }
}
