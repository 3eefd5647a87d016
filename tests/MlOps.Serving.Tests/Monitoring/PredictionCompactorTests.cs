using System.Text;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Triggers;
using MlOps.Testing;
using MlOps.Testing.Scenarios;
using static MlOps.Serving.Tests.Monitoring.LoggedHours;

namespace MlOps.Serving.Tests.Monitoring;

/// <summary>An hour of lines becomes Parquet, and whoever dies, comes late or does the same meanwhile: every row counts once.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class PredictionCompactorTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly string model = AzuriteFixture.UniqueModel();
    private MonitorHost host = null!;

    private PipelineStorage Storage => host.Get<PipelineStorage>();

    public Task InitializeAsync()
    {
        host = new MonitorHost(azurite);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Lines_of_several_hosts_become_one_blob_and_lines_that_come_late_another()
    {
        await WriteAsync(Storage, model, Row(1, "ann"), Row(2, "bob"));
        await WriteAsync(Storage, model, Row(3, "ann"));

        (await CompactAllAsync(Compactor(host, Storage), model)).Should().Be(HourState.Done);

        (await BlobsAsync(Storage, model)).Should().ContainSingle().Which.Name.Should().EndWith("/rows-0001.parquet");
        (await CountAsync(host, model)).Should().Be(3);
        await WriteAsync(Storage, model, Row(4, "ann"));
        (await CountAsync(host, model)).Should().Be(4, "late rows count before they are compacted");
        await CompactAllAsync(Compactor(host, Storage), model);
        (await BlobsAsync(Storage, model)).Select(blob => blob.Name[^17..]).Should().Equal("rows-0001.parquet", "rows-0002.parquet");
        (await CountAsync(host, model)).Should().Be(4);
        (await ExportAsync(host, model, "ann")).Should().HaveCount(3);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task A_compaction_that_is_killed_loses_and_doubles_nothing_and_the_same_again_finishes_it(int writes)
    {
        // Its writes: the claim, two line ends, the compacted blob, two deletions.
        await WriteAsync(Storage, model, Row(1, "ann"), Row(2, "bob"));
        await WriteAsync(Storage, model, Row(3, "ann"));
        var before = await ExportAsync(host, model, "ann");
        var dying = new Dying(writes);

        var killed = () => CompactAllAsync(Compactor(host, dying.Storage(azurite)), model);
        await killed.Should().ThrowAsync<ProcessDiedException>();

        (await CountAsync(host, model)).Should().Be(3);
        (await ExportAsync(host, model, "ann")).Should().BeEquivalentTo(before);
        if (writes is 1 or 2 or 3)
        {
            (await CompactAllAsync(Compactor(host, Storage), model)).Should().Be(HourState.Busy, "its claim is young");
        }
        (await CompactAllAsync(Compactor(host, Storage, new CompactionOptions { ClaimLasts = TimeSpan.Zero }), model)).Should().Be(HourState.Done);
        (await BlobsAsync(Storage, model)).Should().ContainSingle();
        (await CountAsync(host, model)).Should().Be(3);
        (await ExportAsync(host, model, "ann")).Should().BeEquivalentTo(before);
    }

    [Fact]
    public async Task Of_two_who_compact_at_the_same_moment_the_slower_one_changes_nothing()
    {
        await WriteAsync(Storage, model, Row(1, "ann"), Row(2, "bob"));
        var hold = new HoldOnce((method, path) => method == "PUT" && path.EndsWith(".jsonl", StringComparison.Ordinal));
        var slow = CompactAllAsync(Compactor(host, hold.Storage(azurite)), model);
        await hold.Held;

        (await CompactAllAsync(Compactor(host, Storage), model)).Should().Be(HourState.Busy);
        // The slow one is taken for dead, and late rows come before it goes on.
        await WriteAsync(Storage, model, Row(3, "ann"));
        (await CompactAllAsync(Compactor(host, Storage, new CompactionOptions { ClaimLasts = TimeSpan.Zero }), model)).Should().Be(HourState.Done);
        hold.LetGo();
        (await slow).Should().Be(HourState.Busy);

        (await CountAsync(host, model)).Should().Be(3);
        (await BlobsAsync(Storage, model)).Should().ContainSingle();
    }

    [Fact]
    public async Task A_slow_one_that_has_read_all_cannot_write_what_is_compacted_already()
    {
        await WriteAsync(Storage, model, Row(1, "ann"), Row(2, "bob"));
        var puts = 0;
        var hold = new HoldOnce((method, path) => method == "PUT" && path.EndsWith(".parquet", StringComparison.Ordinal) && ++puts == 2);
        var slow = CompactAllAsync(Compactor(host, hold.Storage(azurite)), model);
        await hold.Held;

        await CompactAllAsync(Compactor(host, Storage, new CompactionOptions { ClaimLasts = TimeSpan.Zero }), model);
        await host.Get<KeyedRows>().DeleteAsync(model, "ann", default);
        hold.LetGo();
        (await slow).Should().Be(HourState.Busy);

        (await CountAsync(host, model)).Should().Be(1);
        (await ExportAsync(host, model, "ann")).Should().BeEmpty();
    }

    [Fact]
    public async Task Rows_that_are_deleted_while_they_are_compacted_do_not_come_back()
    {
        await WriteAsync(Storage, model, Row(1, "ann"), Row(2, "bob"));
        var puts = 0;
        var hold = new HoldOnce((method, path) => method == "PUT" && path.EndsWith(".parquet", StringComparison.Ordinal) && ++puts == 2);
        var compacting = CompactAllAsync(Compactor(host, hold.Storage(azurite)), model);
        await hold.Held;

        (await host.Get<KeyedRows>().DeleteAsync(model, "ann", default)).Should().Be(new DeletedRows(1, 1));
        hold.LetGo();

        (await compacting).Should().Be(HourState.Busy);
        (await ExportAsync(host, model, "ann")).Should().BeEmpty();
        await CompactAllAsync(Compactor(host, Storage), model);
        (await ExportAsync(host, model, "ann")).Should().BeEmpty();
        (await ExportAsync(host, model, "bob")).Should().ContainSingle();
        (await BlobsAsync(Storage, model)).Should().ContainSingle();
    }

    [Fact]
    public async Task Rows_that_are_compacted_while_they_are_deleted_do_not_come_back()
    {
        await WriteAsync(Storage, model, Row(1, "ann"), Row(2, "bob"));
        var hold = new HoldOnce((method, path) => method == "PUT" && path.EndsWith(".jsonl", StringComparison.Ordinal));
        var slow = hold.Storage(azurite);
        var deleting = new KeyedRows(slow, new CompactedRows(slow, host.Get<DuckDb>(), host.Get<PipelineOptions>()), TimeProvider.System)
            .DeleteAsync(model, "ann", default);
        await hold.Held;

        await CompactAllAsync(Compactor(host, Storage), model);
        (await ExportAsync(host, model, "ann")).Should().ContainSingle("it is not deleted yet");
        hold.LetGo();
        await deleting;

        (await ExportAsync(host, model, "ann")).Should().BeEmpty();
        (await ExportAsync(host, model, "bob")).Should().ContainSingle();
        (await CountAsync(host, model)).Should().Be(1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_deletion_in_compacted_rows_that_is_killed_loses_nothing_and_the_same_again_finishes_it(int writes)
    {
        await WriteAsync(Storage, model, Row(1, "ann"), Row(2, "bob"));
        await CompactAllAsync(Compactor(host, Storage), model);
        await WriteAsync(Storage, model, Row(3, "ann"), Row(4, "bob"));
        var storage = new Dying(writes).Storage(azurite);

        var killed = () => new KeyedRows(storage, new CompactedRows(storage, host.Get<DuckDb>(), host.Get<PipelineOptions>()), TimeProvider.System)
            .DeleteAsync(model, "ann", default);
        await killed.Should().ThrowAsync<ProcessDiedException>();

        (await ExportAsync(host, model, "bob")).Should().HaveCount(2);
        (await host.Get<KeyedRows>().DeleteAsync(model, "ann", default)).Rows.Should().Be(2 - writes);
        (await ExportAsync(host, model, "ann")).Should().BeEmpty();
        (await CountAsync(host, model)).Should().Be(2);
    }

    [Fact]
    public async Task A_writer_that_is_late_begins_another_blob_and_one_whose_answer_was_lost_does_not_write_again()
    {
        var blobs = new PredictionBlobs(Storage, new PredictionLogOptions());
        await blobs.AppendAsync(model, Hour, Encoding.UTF8.GetBytes(Row(1, "ann")), default);
        await CompactAllAsync(Compactor(host, Storage), model);

        await blobs.AppendAsync(model, Hour, Encoding.UTF8.GetBytes(Row(2, "ann")), default);

        (await CountAsync(host, model)).Should().Be(2);
        (await BlobsAsync(Storage, model)).Should().HaveCount(2);
    }

    [Fact]
    public async Task What_is_no_JSON_stays_as_it_is_and_all_else_is_compacted()
    {
        await WriteAsync(Storage, model, Row(1, "ann"), "{\"at\":\"2026\n", Row(2, "ann"));
        await WriteAsync(Storage, model, Row(3, "ann"));

        (await CompactAllAsync(Compactor(host, Storage), model)).Should().Be(HourState.Done);

        (await BlobsAsync(Storage, model)).Select(blob => Path.GetExtension(blob.Name)).Should().BeEquivalentTo(".jsonl", ".parquet");
        (await CountAsync(host, model)).Should().Be(3);
        (await ExportAsync(host, model, "ann")).Should().HaveCount(3);
    }

    [Fact]
    public async Task Blank_lines_and_blanks_between_tokens_are_no_rows()
    {
        await WriteAsync(Storage, model, "\n", Row(1, "ann"), " \r\n\t\n", Line(model, 2, "ann", "{\"a\":\r 2}"), "\n");

        (await CompactAllAsync(Compactor(host, Storage), model)).Should().Be(HourState.Done);

        (await BlobsAsync(Storage, model)).Should().ContainSingle().Which.IsCompacted.Should().BeTrue();
        (await CountAsync(host, model)).Should().Be(2);
    }

    [Fact]
    public async Task A_large_hour_is_compacted_in_parts()
    {
        foreach (var second in Enumerable.Range(1, 5))
        {
            await WriteAsync(Storage, model, Row(second, "ann"));
        }

        await CompactAllAsync(Compactor(host, Storage, new CompactionOptions { BlobBytes = 2 * Row(1, "ann").Length + 10 }), model);

        (await BlobsAsync(Storage, model)).Should().HaveCount(3);
        (await CountAsync(host, model)).Should().Be(5);
        (await ExportAsync(host, model, "ann")).Should().HaveCount(5);
    }

    [Fact]
    public async Task The_trigger_leaves_alone_what_is_not_over_and_settled()
    {
        var clock = new TestClock(Hour.AddHours(1).AddMinutes(9));
        await using var own = new MonitorHost(azurite, services => services.AddSingleton<TimeProvider>(clock));
        await WriteAsync(Storage, model, Row(1, "ann"));

        await own.Get<CompactionTrigger>().LookAsync(default);
        (await BlobsAsync(Storage, model)).Should().ContainSingle().Which.IsCompacted.Should().BeFalse();
        clock.Now += TimeSpan.FromMinutes(2);
        await new MonitorHost(azurite, services => services.AddSingleton<TimeProvider>(clock)).Get<CompactionTrigger>().LookAsync(default);

        (await BlobsAsync(Storage, model)).Should().ContainSingle().Which.IsCompacted.Should().BeTrue();
    }

    public async Task DisposeAsync() => await host.DisposeAsync();

    private string Row(int second, string? key) => Line(model, second, key, $$"""{"a": {{second}}}""");
}
