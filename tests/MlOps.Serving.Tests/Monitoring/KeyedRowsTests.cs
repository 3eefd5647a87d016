using System.Globalization;
using System.Text;
using System.Text.Json;
using Azure.Storage.Blobs.Specialized;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Predictions;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Serving.Tests.Monitoring;

/// <summary>Rows about one person are found and deleted, whoever writes beside it and wherever it stops.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class KeyedRowsTests(AzuriteFixture azurite)
{
    private readonly string model = AzuriteFixture.UniqueModel();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_deletion_that_is_killed_loses_and_doubles_nothing_and_the_same_again_finishes_it(int writes)
    {
        await using var host = await ServingAsync();
        await PredictAsync(host, ("ann", 1), ("bob", 2), ("ann", 3), (null, 4));
        await host.WrittenAsync();
        var dying = new Dying(writes);
        var killed = () => OnStorage(host, dying.Storage(azurite)).DeleteAsync(model, "ann", default);
        await killed.Should().ThrowAsync<ProcessDiedException>();
        dying.IsDead.Should().BeTrue();

        (await ExportAsync(host, "bob")).Should().Equal(2);
        (await CountAsync(host)).Should().Be(writes < 3 ? 4 : 2, "a spare copy does not count");

        await EndLeasesAsync(host);
        var again = await host.Get<KeyedRows>().DeleteAsync(model, "ann", default);

        again.Rows.Should().Be(writes < 3 ? 2 : 0);
        (await ExportAsync(host, "ann")).Should().BeEmpty();
        (await ExportAsync(host, "bob")).Should().Equal(2);
        (await CountAsync(host)).Should().Be(2);
        (await LoggedPredictions.ReadAsync(host.Get<PipelineStorage>(), model)).Should().ContainSingle();
    }

    [Fact]
    public async Task Rows_of_several_people_go_one_after_the_other()
    {
        await using var host = await ServingAsync();
        await PredictAsync(host, ("ann", 1), ("bob", 2), ("cid", 3));
        await host.WrittenAsync();

        foreach (var key in new[] { "ann", "bob" })
        {
            (await host.Get<KeyedRows>().DeleteAsync(model, key, default)).Should().Be(new DeletedRows(1, 1));
        }

        (await CountAsync(host)).Should().Be(1);
        (await ExportAsync(host, "cid")).Should().Equal(3);
    }

    [Fact]
    public async Task Two_who_delete_at_the_same_moment_do_not_undo_each_other()
    {
        await using var host = await ServingAsync();
        await PredictAsync(host, ("ann", 1), ("bob", 2), ("cid", 3));
        await host.WrittenAsync();
        var hold = new HoldOnce((method, path) => method == "PUT" && path.EndsWith(".kept.jsonl", StringComparison.Ordinal));
        var slow = OnStorage(host, hold.Storage(azurite)).DeleteAsync(model, "ann", default);
        await hold.Held;
        var early = () => host.Get<KeyedRows>().DeleteAsync(model, "bob", default);

        (await early.Should().ThrowAsync<InputException>()).WithMessage("*ask again in a minute*");
        // It takes longer than its lease, and the other one comes in between.
        await EndLeasesAsync(host);
        (await early()).Rows.Should().Be(1);
        hold.LetGo();
        (await slow).Rows.Should().Be(1);

        (await CountAsync(host)).Should().Be(1);
        (await ExportAsync(host, "cid")).Should().Equal(3);
    }

    [Fact]
    public async Task Beside_a_host_that_writes_all_the_time_no_row_of_others_is_lost_or_doubled()
    {
        await using var host = await ServingAsync();
        var rows = host.Get<KeyedRows>();
        var next = 0;
        var deleted = 0L;
        for (var round = 0; round < 10; round++)
        {
            var deleting = rows.DeleteAsync(model, "ann", default);
            while (!deleting.IsCompleted)
            {
                await PredictAsync(host, ("ann", next++), ("bob", next++), (null, next++));
                // As fast as it goes, they come faster than a busy machine can write, and the log drops some, as it should.
                await Task.Delay(1);
            }
            deleted += (await deleting).Rows;
        }
        await host.WrittenAsync();
        var before = await ExportAsync(host, "ann");
        deleted += (await rows.DeleteAsync(model, "ann", default)).Rows;

        before.Should().NotBeEmpty("it went on to the end");
        deleted.Should().Be(next / 3);
        (await ExportAsync(host, "ann")).Should().BeEmpty();
        (await ExportAsync(host, "bob")).Order().Should().Equal(Enumerable.Range(0, next / 3).Select(i => (i * 3) + 1));
        (await CountAsync(host)).Should().Be(next / 3 * 2);
        host.Log.Dropped.Should().Be(0);
    }

    [Fact]
    public async Task Only_rows_of_the_days_that_are_asked_for_are_exported_oldest_first()
    {
        await using var host = await ServingAsync();
        var storage = host.Get<PipelineStorage>();
        var today = DateTimeOffset.UtcNow;
        foreach (var age in new[] { 0, 1, 2, 30 })
        {
            var at = today.AddDays(-age).UtcDateTime.ToString("yyyy/MM/dd/HH", CultureInfo.InvariantCulture);
            var line = $$$"""{"at":"x","model":"{{{model}}}","version":1,"prediction":1,"key":"ann","features":{"a":{{{age}}}}}""" + "\n";
            await storage.Predictions.UploadBlobAsync($"{model}/{at}/00000000-0001.jsonl", BinaryData.FromString(line));
        }

        (await ExportAsync(host, "ann", days: 1)).Should().Equal(0);
        (await ExportAsync(host, "ann", days: 3)).Should().Equal(2, 1, 0);
        (await ExportAsync(host, "ann", days: 90)).Should().Equal(30, 2, 1, 0);
        (await host.Get<KeyedRows>().DeleteAsync(model, "ann", default)).Should().Be(new DeletedRows(4, 4), "a deletion is of all days");
    }

    [Fact]
    public void A_line_whose_row_has_a_column_key_or_that_was_cut_is_nobodys()
    {
        var content = BinaryData.FromString(
            """
            {"at":"x","prediction":1,"features":{"key":"ann"}}
            {"at":"x","prediction":1,"key":"bob","features":{"key":"ann"}}
            {"at":"x","prediction":1,"key":"ann","features":{"a
            {"at":"x","prediction":1,"key":"ann","features":{"a":1}}
            """.ReplaceLineEndings("\n"));

        var (kept, rows) = new KeyedLines("ann").Without(content);

        // A line that was cut after its key is still known as that key's.
        rows.Should().Be(2);
        kept.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Should().HaveCount(2)
            .And.OnlyContain(line => line.Contains("\"features\":{\"key\":\"ann\"}"));
    }

    private async Task<MonitorHost> ServingAsync()
    {
        var host = new MonitorHost(azurite, services => services
            .AddSingleton(new PredictionLogOptions { WriteEvery = TimeSpan.FromMilliseconds(5), RetryAfter = TimeSpan.FromMilliseconds(50) })
            .AddSingleton<IScorerLoader>(new FakeScorers()));
        await host.Get<DefinitionStore>().PutAsync(new PipelineDefinition { Model = model, Target = "y" }, default);
        await host.Get<ModelRegistry>().AddProductionAsync(model);
        return await host.StartAsync();
    }

    private async Task PredictAsync(MonitorHost host, params (string? Key, int A)[] rows)
    {
        using var body = JsonDocument.Parse($"[{string.Join(',', rows.Select(row => $$"""{"a":{{row.A}}}"""))}]");
        await host.Get<PredictionService>()
            .PredictAsync(model, [.. body.RootElement.EnumerateArray()], Wanted.Nothing, [.. rows.Select(row => row.Key)], default);
    }

    private async Task<IReadOnlyList<int>> ExportAsync(MonitorHost host, string key, int days = 2)
    {
        using var output = new MemoryStream();
        await host.Get<KeyedRows>().ExportAsync(model, key, days, output, default);
        return
        [
            .. Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("features").GetProperty("a").GetInt32()),
        ];
    }

    private static KeyedRows OnStorage(MonitorHost host, PipelineStorage storage) =>
        new(storage, new CompactedRows(storage, host.Get<DuckDb>(), host.Get<PipelineOptions>()), TimeProvider.System);

    /// <summary>What a check of live rows finds.</summary>
    private async Task<long> CountAsync(MonitorHost host)
    {
        var folder = Directory.CreateTempSubdirectory("mlops-keyed-");
        try
        {
            var now = DateTimeOffset.UtcNow;
            var window = new LiveWindow(1, now.AddDays(-2), now.AddDays(1));
            return (await host.Get<PredictionLogReader>().DownloadAsync(model, window, folder.FullName, default)).Rows;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>As the minute does that a lease lasts.</summary>
    private async Task EndLeasesAsync(MonitorHost host)
    {
        var predictions = host.Get<PipelineStorage>().Predictions;
        foreach (var name in (await LoggedPredictions.ReadAsync(host.Get<PipelineStorage>(), model)).Keys)
        {
            var blob = predictions.GetBlobClient(name);
            if ((await blob.GetPropertiesAsync()).Value.LeaseState == Azure.Storage.Blobs.Models.LeaseState.Leased)
            {
                await blob.GetBlobLeaseClient().BreakAsync(TimeSpan.Zero);
            }
        }
    }
}
