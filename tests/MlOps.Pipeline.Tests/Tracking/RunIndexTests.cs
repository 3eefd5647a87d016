using Azure.Data.Tables;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Tracking;

public sealed class RunIndexTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>, IAsyncLifetime
{
    private readonly PipelineHost host = new(azurite);
    private readonly string model = AzuriteFixture.UniqueModel();

    private RunStore Runs => host.Get<RunStore>();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var run in await Runs.ListUnfinishedAsync(default))
        {
            await Runs.MarkEndedAsync(run.RunId, RunState.Cancelled, null, default);
        }
        await host.DisposeAsync();
    }

    [Fact]
    public async Task Pages_have_all_runs_newest_first_and_each_once()
    {
        var start = DateTimeOffset.UtcNow;
        var runs = Enumerable.Range(0, 25).Select(i => New(start.AddSeconds(i / 2))).ToList();
        await Task.WhenAll(runs.Select(run => Runs.CreateAsync(run, default)));

        var listed = new List<Run>();
        string? next = null;
        do
        {
            var page = await Runs.ListAsync(model, take: 10, next, default);
            page.Items.Count.Should().Be(listed.Count < 20 ? 10 : 5);
            listed.AddRange(page.Items);
            next = page.Next;
        }
        while (next is not null);

        listed.Select(run => run.RunId).Should().OnlyHaveUniqueItems().And.BeEquivalentTo(runs.Select(run => run.RunId));
        listed.Select(run => run.Created).Should().BeInDescendingOrder();
        (await Runs.ListAsync(model: null, take: 1000, default)).Select(run => run.RunId).Should().Contain(runs.Select(run => run.RunId));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("not a token!")]
    [InlineData("YWJj")]
    public async Task What_no_page_has_said_is_refused(string next)
    {
        var list = () => Runs.ListAsync(model, 10, next, default);

        (await list.Should().ThrowAsync<InputException>()).WithMessage($"next is '{next}'*");
    }

    [Fact]
    public async Task Many_starters_of_the_same_run_create_one_and_it_is_listed_once()
    {
        var now = DateTimeOffset.UtcNow;
        var id = RunId.Of(model, now, "cause");

        var created = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Runs.CreateAsync(New(now.AddSeconds(i)) with { RunId = id }, default)));

        created.Count(won => won).Should().Be(1);
        (await Runs.ListAsync(model, 100, default)).Should().ContainSingle();
        (await Runs.ListUnfinishedAsync(model, default)).Should().ContainSingle();
        await Runs.MarkEndedAsync(id, RunState.Failed, null, default);
        (await Runs.CreateAsync(New(now) with { RunId = id }, default)).Should().BeFalse();
        (await Runs.ListUnfinishedAsync(model, default)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_starter_that_dies_at_any_write_leaves_no_run_or_one_that_is_found()
    {
        for (var writes = 0; ; writes++)
        {
            var death = new Dying(writes);
            var run = New(DateTimeOffset.UtcNow);
            await using var dying = new PipelineHost(azurite, services => services.AddSingleton(death.Storage(azurite)));
            await Record.ExceptionAsync(() => dying.Get<RunStore>().CreateAsync(run, default));

            var isThere = await Runs.FindAsync(run.RunId, default) is not null;
            (await Runs.ListUnfinishedAsync(model, default)).Any(found => found.RunId == run.RunId).Should().Be(isThere);
            (await Runs.ListAsync(model, 100, default)).Any(found => found.RunId == run.RunId).Should().Be(isThere);
            (await GapsAsync()).Missing.Should().BeEmpty();
            (await Runs.CreateAsync(run with { Created = run.Created.AddSeconds(5) }, default)).Should().Be(!isThere);
            (await Runs.ListAsync(model, 100, default)).Count(found => found.RunId == run.RunId).Should().Be(1);
            if (!death.IsDead)
            {
                writes.Should().Be(2);
                return;
            }
        }
    }

    [Fact]
    public async Task Who_ends_a_run_and_dies_leaves_a_run_that_is_found_ended_by_who_waits_for_it()
    {
        for (var writes = 0; writes <= 2; writes++)
        {
            var run = New(DateTimeOffset.UtcNow);
            await Runs.CreateAsync(run, default);
            var death = new Dying(writes);
            await using (var dying = new PipelineHost(azurite, services => services.AddSingleton(death.Storage(azurite))))
            {
                await Record.ExceptionAsync(() => dying.Get<RunStore>().MarkEndedAsync(run.RunId, RunState.Failed, "x", default));
            }
            var hasEnded = (await Runs.FindAsync(run.RunId, default))!.HasEnded;
            hasEnded.Should().Be(writes > 0);

            (await Runs.IsUnfinishedAsync(run, default)).Should().Be(!hasEnded);
            (await Runs.ListUnfinishedAsync(model, default)).Any(found => found.RunId == run.RunId).Should().Be(!hasEnded);
            (await GapsAsync()).Should().BeEquivalentTo(new { Missing = Array.Empty<string>(), Stale = Array.Empty<string>() });
            await Runs.MarkEndedAsync(run.RunId, RunState.Failed, "x", default);
        }
    }

    [Fact]
    public async Task What_an_index_lacks_is_broken_and_comes_back_and_what_leads_nowhere_goes_after_a_day()
    {
        var run = New(DateTimeOffset.UtcNow);
        await Runs.CreateAsync(run, default);
        await host.Get<ModelRegistry>().RegisterAsync(Version(run.RunId), default);
        var rows = await host.Storage.Indexes.QueryAsync<TableEntity>().Where(
            row => row.PartitionKey is "run" or "model" && row.RowKey.Contains(model, StringComparison.Ordinal)).ToListAsync();
        rows.Should().HaveCount(4);
        foreach (var row in rows)
        {
            await host.Storage.Indexes.DeleteEntityAsync(row.PartitionKey, row.RowKey);
        }
        await host.Storage.Indexes.AddEntityAsync(new TableEntity("run", $"a|0000000000000000000|{model}-20260101000000000-abcdef"));

        (await FoundAsync()).Should().BeEquivalentTo("indexes/run", "indexes/model");
        await host.Get<IndexRepair>().RepairAsync(default);
        (await FoundAsync()).Should().BeEmpty();
        (await Runs.ListAsync(model, 10, default)).Should().ContainSingle();
        (await Runs.ListUnfinishedAsync(model, default)).Should().ContainSingle();
        (await host.Get<ModelRegistry>().ListAsync(default)).Should().Contain(found => found.Model == model);
        (await GapsAsync()).Stale.Should().ContainSingle("it may be of a run that is just being created");

        var later = new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(2));
        await using var then = new PipelineHost(azurite, services => services.AddSingleton<TimeProvider>(later));
        await then.Get<IndexRepair>().RepairAsync(default);
        (await GapsAsync()).Stale.Should().BeEmpty();
    }

    [Fact]
    public async Task A_storage_of_a_release_without_indexes_gets_them_once()
    {
        var run = New(DateTimeOffset.UtcNow);
        await Runs.CreateAsync(run, default);
        await foreach (var row in host.Storage.Indexes.QueryAsync<TableEntity>())
        {
            await host.Storage.Indexes.DeleteEntityAsync(row.PartitionKey, row.RowKey);
        }

        await host.Get<IndexRepair>().EnsureAsync(default);

        (await Runs.ListUnfinishedAsync(model, default)).Should().ContainSingle(found => found.RunId == run.RunId);
        (await Runs.ListAsync(model: null, 1000, default)).Should().Contain(found => found.RunId == run.RunId);
    }

    private async Task<Data.IndexGaps> GapsAsync()
    {
        var gaps = await Runs.CompareIndexAsync(default);
        return new Data.IndexGaps(
            [.. gaps.Missing.Where(id => id.StartsWith(model, StringComparison.Ordinal))],
            [.. gaps.Stale.Where(key => key.Contains(model, StringComparison.Ordinal))]);
    }

    private async Task<IReadOnlyList<string>> FoundAsync() =>
    [
        .. (await host.Get<StorageDoctor>().ExamineAsync(default)).Findings.Select(finding => finding.Where)
            .Where(where => where.StartsWith("indexes/", StringComparison.Ordinal)),
    ];

    private Run New(DateTimeOffset created) => new()
    {
        RunId = RunId.New(model, created),
        Model = model,
        State = RunState.Queued,
        DefinitionId = $"{model}/0",
        Source = $"raw/{model}/a.csv",
        Trigger = "test",
        Created = created,
    };

    private ModelVersion Version(string runId) => new()
    {
        Model = model,
        RunId = runId,
        DefinitionId = $"{model}/0",
        Task = TaskKind.Regression,
        Candidate = "0-lightgbm",
        ModelBlobs = "models/x/y",
        Metrics = new Dictionary<string, double>(),
        Lineage = new ModelLineage("a", "b", "c", "d", "e"),
    };
}
