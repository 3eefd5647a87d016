using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Versions;

[Collection(AzuriteFixture.Collection)]
public sealed class DataVersionTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly PipelineHost host = new(azurite);
    private readonly PipelineDefinition definition = Trips.Definition();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => host.DisposeAsync().AsTask();

    [Fact]
    public async Task A_run_leaves_every_version_that_it_had_in_the_log_and_the_same_again_is_there_once()
    {
        var first = await RunAsync("may.csv", 300, seed: 1);
        var again = await RunAsync("may-again.csv", 300, seed: 1);
        var second = await RunAsync("june.csv", 320, seed: 2);

        var log = host.Get<DataLog>();
        var all = (await log.ListAsync(definition.Model, stage: null, 100, next: null, default)).Items;
        all.Select(version => version.Stage).Should()
            .BeEquivalentTo(DataEntry.Stages.Except(["test", DataEntry.Input, DataEntry.Score]).SelectMany(stage => new[] { stage, stage }));
        all.Should().BeInDescendingOrder(version => version.Created);
        var raw = (await log.ListAsync(definition.Model, "raw", 100, next: null, default)).Items;
        raw.Select(version => (version.RunId, version.Rows, Path.GetFileName(version.Source))).Should().Equal(
            (second.Run.RunId, 320, "june.csv"), (first.Run.RunId, 300, "may.csv"));
        raw.Should().OnlyContain(version => version.Bytes > 0 && version.Columns == 6);
        (await log.ListRunsAsync(definition.Model, raw[1].Id, default)).Select(use => use.RunId).Should()
            .BeEquivalentTo(first.Run.RunId, again.Run.RunId);
        var registered = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        (await log.ListOfRunAsync(definition.Model, first.Run.RunId, default)).ToDictionary(use => use.Stage, use => use.Id).Should().Equal(
            new Dictionary<string, string>
            {
                ["raw"] = registered.Lineage.Raw,
                ["clean"] = registered.Lineage.Clean,
                ["features"] = registered.Lineage.Features,
                ["train"] = registered.Lineage.Train,
                ["validation"] = registered.Lineage.Validation,
            });
    }

    [Fact]
    public async Task Pages_go_on_where_they_say()
    {
        await RunAsync("may.csv", 300, seed: 1);
        await RunAsync("june.csv", 300, seed: 2);
        var log = host.Get<DataLog>();
        var whole = (await log.ListAsync(definition.Model, stage: null, 100, next: null, default)).Items;

        var paged = new List<DataEntry>();
        string? next = null;
        do
        {
            var page = await log.ListAsync(definition.Model, stage: null, 3, next, default);
            page.Items.Count.Should().BeLessThanOrEqualTo(3);
            paged.AddRange(page.Items);
            next = page.Next;
        }
        while (next is not null);

        paged.Should().Equal(whole).And.HaveCount(10);
        await log.Awaiting(l => l.ListAsync(definition.Model, null, 3, PageToken.Write("nonsense"), default)).Should().ThrowAsync<InputException>();
    }

    [Fact]
    public async Task A_version_is_found_by_what_people_call_it()
    {
        await RunAsync("may.csv", 300, seed: 1);
        await RunAsync("june.csv", 300, seed: 2);
        var log = host.Get<DataLog>();
        var raw = (await log.ListAsync(definition.Model, "raw", 100, next: null, default)).Items;
        var train = (await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default)).Lineage.Train;
        await host.Get<DataTags>().SetAsync(definition.Model, new DataTag("audited.2026", raw[1].Id, Movable: false, "Ann", default), default);

        (await FindAsync("latest")).Should().Be(raw[0].Id);
        (await FindAsync("latest~1")).Should().Be(raw[1].Id);
        (await FindAsync("latest~2")).Should().BeNull();
        (await FindAsync("audited.2026")).Should().Be(raw[1].Id);
        (await FindAsync(raw[0].Id)).Should().Be(raw[0].Id);
        (await FindAsync(raw[0].Id[..10])).Should().Be(raw[0].Id);
        (await FindAsync("v1")).Should().Be(raw[1].Id);
        (await FindAsync("v1:train")).Should().Be(train);
        (await FindAsync("v1:test")).Should().BeNull();
        (await FindAsync("v99999999999")).Should().BeNull();
        (await FindAsync("nothing")).Should().BeNull();
        (await FindAsync(raw[0].Id[..5])).Should().BeNull("five digits are a name, and nothing has it");
        (await host.Get<DataVersions>().Awaiting(versions => versions.GetAsync(definition.Model, "nothing", default)).Should().ThrowAsync<InputException>())
            .WithMessage("*has no dataset version 'nothing'*latest~1*");
    }

    [Fact]
    public async Task A_tag_is_for_good_unless_it_was_made_to_move()
    {
        await RunAsync("may.csv", 300, seed: 1);
        await RunAsync("june.csv", 300, seed: 2);
        var (tags, model) = (host.Get<DataTags>(), definition.Model);
        var raw = (await host.Get<DataLog>().ListAsync(model, "raw", 100, next: null, default)).Items;

        (await tags.SetAsync(model, new DataTag("golden", raw[1].Id, Movable: false, "Ann", default), default)).Should().BeNull();
        (await tags.SetAsync(model, new DataTag("golden", raw[1].Id, Movable: false, "Bob", default), default)).Should().Be(raw[1].Id, "it is the same again");
        (await tags.FindAsync(model, "golden", default))!.By.Should().Be("Ann");
        (await tags.Awaiting(t => t.SetAsync(model, new DataTag("golden", raw[0].Id, Movable: true, "Bob", default), default)).Should()
            .ThrowAsync<InputException>()).WithMessage($"*'golden'*{raw[1].Id} for good*");
        await tags.SetAsync(model, new DataTag("blessed", raw[1].Id, Movable: true, "Ann", default), default);
        (await tags.SetAsync(model, new DataTag("blessed", raw[0].Id, Movable: true, "Bob", default), default)).Should().Be(raw[1].Id);

        (await tags.ListAsync(model, default)).Select(tag => (tag.Name, tag.Version, tag.By)).Should()
            .Equal(("blessed", raw[0].Id, "Bob"), ("golden", raw[1].Id, "Ann"));
        (await tags.DeleteAsync(model, "golden", default)).Should().Be(raw[1].Id);
        (await tags.DeleteAsync(model, "golden", default)).Should().BeNull();
    }

    [Theory]
    [InlineData("latest")]
    [InlineData("v3")]
    [InlineData("abcdef12")]
    [InlineData("-x")]
    [InlineData("Golden")]
    [InlineData("a/b")]
    [InlineData("a|b")]
    [InlineData("")]
    public async Task A_name_that_means_something_else_is_no_tag(string name) =>
        (await host.Get<DataTags>().Awaiting(tags => tags.SetAsync("m", new DataTag(name, "x", Movable: false, "Ann", default), default)).Should()
            .ThrowAsync<InputException>()).WithMessage($"The tag '{name}' must be *");

    [Fact]
    public async Task A_run_trains_on_a_version_as_on_its_file()
    {
        var first = await RunAsync("may.csv", 300, seed: 1);
        await RunAsync("june.csv", 300, seed: 2);
        var may = (await host.Get<DataVersions>().GetAsync(definition.Model, "latest~1", default)).Id;

        var again = await host.RunAsync(definition, StoredSource.Of(may));

        again.Stages.Single(stage => stage.Stage == "ingest").State.Should().Be(StageState.Reused);
        again.Metrics["val_rmse"].Should().Be(first.Metrics["val_rmse"]);
        var clean = (await host.Get<DataLog>().ListAsync(definition.Model, "clean", 10, next: null, default)).Items[0];
        var wrong = await host.RunAsync(definition, StoredSource.Of(clean.Id));
        wrong.Run.State.Should().Be(RunState.Failed);
        wrong.Run.Error.Should().Contain("is no raw table: stage clean made it");
    }

    [Fact]
    public async Task A_checkout_has_the_rows_and_says_what_they_are()
    {
        await RunAsync("may.csv", 300, seed: 1);
        var version = await host.Get<DataVersions>().GetAsync(definition.Model, "latest", default);
        var folder = Path.Combine(host.WorkFolder, "out");

        var csv = await host.Get<DataCheckout>().WriteAsync(version, folder, "csv", default);

        (await File.ReadAllTextAsync(csv)).Should().Be(Trips.Csv(300, seed: 1));
        Path.GetFileName(csv).Should().Be($"{definition.Model}-raw.csv");
        (await File.ReadAllTextAsync(Path.Combine(folder, "dataset.json"))).Should().Contain(version.Id).And.Contain("may.csv");
        var parquet = await host.Get<DataCheckout>().WriteAsync(version, folder, "parquet", default);
        Directory.GetFiles(folder).Select(Path.GetFileName).Should().BeEquivalentTo(Path.GetFileName(parquet), "dataset.json");
        using (var session = host.Get<DuckDb>().Open(columns: 6, default))
        {
            var rows = session.Rows($"SELECT * FROM read_parquet({Sql.File(parquet)})")
                .Select(row => string.Join(',', row.Select(cell => Convert.ToString(cell, CultureInfo.InvariantCulture))) + "\n");
            (Trips.Header + "\n" + string.Concat(rows)).Should().Be(Trips.Csv(300, seed: 1));
        }
        await File.WriteAllTextAsync(Path.Combine(host.WorkFolder, "mine.txt"), "mine");
        (await host.Get<DataCheckout>().Awaiting(checkout => checkout.WriteAsync(version, host.WorkFolder, "csv", default)).Should()
            .ThrowAsync<InputException>()).WithMessage("*has other files in it*");
    }

    [Fact]
    public async Task A_checkout_goes_on_where_an_earlier_one_died()
    {
        await RunAsync("may.csv", 300, seed: 1);
        var version = await host.Get<DataVersions>().GetAsync(definition.Model, "latest", default);
        var (folder, checkout) = (Path.Combine(host.WorkFolder, "out"), host.Get<DataCheckout>());
        Directory.CreateDirectory(folder);

        // While it wrote the table.
        await File.WriteAllTextAsync(Path.Combine(folder, ".mlops-checkout-0.csv"), "half a ta");
        var csv = await checkout.WriteAsync(version, folder, "csv", default);
        (await File.ReadAllLinesAsync(csv)).Should().HaveCount(301);

        // After it had said what there is about to be, and before it was there; the table of the one before is there still.
        var about = Path.Combine(folder, "dataset.json");
        var said = System.Text.Json.Nodes.JsonNode.Parse(await File.ReadAllTextAsync(about))!.AsObject();
        (said["file"], said["replaces"]) = ($"{definition.Model}-clean.csv", new System.Text.Json.Nodes.JsonArray(Path.GetFileName(csv)));
        await File.WriteAllTextAsync(about, said.ToJsonString());
        await File.WriteAllTextAsync(Path.Combine(folder, ".mlops-checkout-1.json"), "{");
        await File.WriteAllTextAsync(Path.Combine(folder, "mine.txt"), "mine");
        var parquet = await checkout.WriteAsync(version, folder, "parquet", default);

        Directory.GetFiles(folder).Select(Path.GetFileName).Should().BeEquivalentTo(Path.GetFileName(parquet), "dataset.json", "mine.txt");
        (await File.ReadAllTextAsync(Path.Combine(folder, "mine.txt"))).Should().Be("mine");
    }

    [Fact]
    public async Task A_checkout_replaces_no_file_that_no_checkout_wrote()
    {
        await RunAsync("may.csv", 300, seed: 1);
        var version = await host.Get<DataVersions>().GetAsync(definition.Model, "latest", default);
        var (folder, checkout) = (Path.Combine(host.WorkFolder, "out"), host.Get<DataCheckout>());
        await checkout.WriteAsync(version, folder, "parquet", default);
        var mine = Path.Combine(folder, $"{definition.Model}-raw.csv");
        await File.WriteAllTextAsync(mine, "mine");
        (await checkout.Awaiting(c => c.WriteAsync(version, folder, "csv", default)).Should().ThrowAsync<InputException>())
            .WithMessage("*that no checkout wrote*");
        (await File.ReadAllTextAsync(mine)).Should().Be("mine");

        var other = Path.Combine(host.WorkFolder, "other");
        Directory.CreateDirectory(other);
        await File.WriteAllTextAsync(Path.Combine(other, "dataset.json"), """{ "title": "somebody's own" }""");
        (await checkout.Awaiting(c => c.WriteAsync(version, other, "csv", default)).Should().ThrowAsync<InputException>())
            .WithMessage("*has other files in it*");
    }

    private async Task<string?> FindAsync(string name) => (await host.Get<DataVersions>().FindAsync(definition.Model, name, default))?.Id;

    private Task<RunDetails> RunAsync(string file, int rows, int seed) => host.RunAsync(definition, host.WriteFile(file, Trips.Csv(rows, seed)));
}
