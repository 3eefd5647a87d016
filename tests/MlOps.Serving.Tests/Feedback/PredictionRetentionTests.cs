using System.Globalization;
using Azure.Data.Tables;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Deletion;
using MlOps.Serving.Feedback;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Tests.Monitoring;
using MlOps.Serving.Triggers;
using MlOps.Testing;

namespace MlOps.Serving.Tests.Feedback;

/// <summary>What is kept of predictions goes when its time is over: on one machine and in Azure the same, feedback in both.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class PredictionRetentionTests(AzuriteFixture azurite)
{
    private static readonly DateTimeOffset Now = new(2026, 5, 4, 2, 30, 0, TimeSpan.Zero);

    private readonly string model = AzuriteFixture.UniqueModel();

    [Fact]
    public async Task Hours_feedback_and_checks_go_when_they_are_too_old_and_nothing_else_does()
    {
        var clock = new TestClock(Now);
        await using var host = new MonitorHost(
            azurite, services => services.AddSingleton<TimeProvider>(clock).AddSingleton(new RetentionOptions(RunDays: null) { PredictionDays = 10 }));
        var (storage, other) = (host.Get<PipelineStorage>(), model + "-a");
        foreach (var hour in new[] { Hour(11), Hour(10).AddHours(-1), Hour(10), Hour(0) })
        {
            var folder = PredictionBlobs.HourPrefix(model, hour);
            await storage.Predictions.UploadBlobAsync($"{folder}00000000-0001.jsonl", BinaryData.FromString("{}\n"));
            await storage.Predictions.UploadBlobAsync($"{folder}rows-0001.parquet", BinaryData.FromString("PAR1"));
            foreach (var name in new[] { model, other })
            {
                await host.Get<FeedbackStore>().AddAsync(name, [new FeedbackItem(PredictionId.New(hour), null, "1", hour)], default);
            }
            var check = string.Create(CultureInfo.InvariantCulture, $"live-drift/{model}/{hour.UtcDateTime:yyyyMMddHHmmssfff}");
            await storage.Artifacts.UploadBlobAsync($"{check}.json", BinaryData.FromString("{}"));
            await storage.Artifacts.UploadBlobAsync($"{check}.html", BinaryData.FromString("<p>"));
        }
        await storage.Artifacts.UploadBlobAsync($"live-drift/{model}/notes.txt", BinaryData.FromString("mine"));

        await host.Get<RetentionTrigger>().LookAsync(default);

        // Ten days before now is within an hour: that one is kept.
        (await LogListing.ListAsync(storage, $"{model}/", default)).Select(blob => blob.Hour).Distinct().Should().BeEquivalentTo([Hour(10), Hour(0)]);
        foreach (var name in new[] { model, other })
        {
            (await host.Get<FeedbackStore>().ReadAsync(name, DateTimeOffset.UnixEpoch, default).Select(item => item.At).ToListAsync()).Should()
                .BeEquivalentTo([Hour(10), Hour(0)]);
        }
        var kept = await storage.Artifacts.GetBlobsAsync(default, default, $"live-drift/{model}/", default).ToListAsync();
        kept.Select(blob => Path.GetFileName(blob.Name)).Should().BeEquivalentTo("20260504020000000.html", "20260504020000000.json", "notes.txt");
    }

    [Fact]
    public async Task It_is_looked_once_an_hour_and_a_row_that_somebody_else_deletes_is_no_fault()
    {
        await using var host = new MonitorHost(azurite, services => services.AddSingleton<TimeProvider>(new TestClock(Now)));
        var (feedback, storage) = (host.Get<FeedbackStore>(), host.Get<PipelineStorage>());
        await feedback.AddAsync(model, [.. Enumerable.Range(0, 50).Select(i => new FeedbackItem(null, $"k{i}", "1", Now))], default);

        await Task.WhenAll(feedback.DeleteBeforeAsync(Now.AddDays(1), default), feedback.DeleteBeforeAsync(Now.AddDays(1), default));
        await host.Get<RetentionTrigger>().LookAsync(default);
        await using (var past = new MonitorHost(azurite, services => services.AddSingleton<TimeProvider>(new TestClock(Now.AddDays(-100)))))
        {
            await past.Get<FeedbackStore>().AddAsync(model, [new FeedbackItem(null, "old", "1", Now)], default);
        }
        await host.Get<RetentionTrigger>().LookAsync(default);

        var filter = TableClient.CreateQueryFilter($"PartitionKey ge {model + "|"} and PartitionKey lt {model + "}"}");
        (await storage.Feedback.QueryAsync<TableEntity>(filter).ToListAsync()).Should().ContainSingle("the second look comes too soon");
    }

    private static DateTimeOffset Hour(int daysAgo) => LoggedHours.Floor(Now).AddDays(-daysAgo);
}
