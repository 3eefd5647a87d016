using System.Diagnostics;
using System.Net;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Local.Tests.Faults;

/// <summary>Storage that is not there for a while. <c>MLOPS_TEST_OUTAGE</c> says for how many seconds.</summary>
public sealed class OutageTests(AzuriteFixture azurite, ITestOutputHelper output) : IClassFixture<AzuriteFixture>, IDisposable
{
    private static readonly string[] Stages =
        ["ingest", "clean", "features", "split", "train", "validate", "drift", "promote", "explain", "model-card", "finish"];

    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(5);

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-outage-").FullName;

    [Fact]
    public async Task While_storage_is_away_loaded_models_predict_and_what_it_missed_is_made_up_for_when_it_is_back()
    {
        var seed = TestSize.Seed;
        var stage = Stages[new Random(seed).Next(Stages.Length)];
        output.WriteLine($"seed {seed}: storage goes away in stage {stage}");
        await using var slack = await SlackEndpoint.StartAsync();
        await using var proxy = await StorageProxy.StartAsync(azurite.ConnectionString);
        var runs = new RunStore(azurite.NewStorage(), TimeProvider.System);
        var work = new FaultedWork(folder);
        var (answered, slowest) = (0, TimeSpan.Zero);
        await using (var host = await FaultedHost.StartAsync(proxy, Path.Combine(folder, "data"), slack.Url))
        {
            await work.PrepareAsync(host);
            (await work.PredictAsync(host)).Should().BeTrue("the model is loaded by this");
            using var over = new CancellationTokenSource();
            var run = await work.StartAsync(host);
            var key = stage == "train" ? "0-lightgbm" : "";
            await Eventually.IsTrueAsync(async () => await runs.FindStageAsync(run, stage, key, CancellationToken.None) is not null);

            await proxy.GoAwayAsync();
            var predicting = PredictAsync(host, over.Token);
            var back = Task.Delay(TimeSpan.FromSeconds(TestSize.Outage));
            using var health = await host.Http.GetAsync(new Uri("/health", UriKind.Relative));
            await back;
            await proxy.ComeBackAsync();
            await over.CancelAsync();
            await predicting;
            await work.SettleAsync(azurite.NewStorage());

            health.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
        }

        output.WriteLine($"{answered} predictions while storage was away for {TestSize.Outage} s, the slowest after {slowest.TotalMilliseconds:0} ms");
        answered.Should().BeGreaterThan(10 * TestSize.Outage);
        slowest.Should().BeLessThan(LongestAnswer);
        await work.AssertAsync(azurite.NewStorage(), slack, $"storage was away from stage {stage} on (seed {seed})");

        async Task PredictAsync(FaultedHost host, CancellationToken over)
        {
            while (!over.IsCancellationRequested)
            {
                var asked = Stopwatch.GetTimestamp();
                (await work.PredictAsync(host)).Should().BeTrue("a loaded model needs no storage");
                answered++;
                var taken = Stopwatch.GetElapsedTime(asked);
                slowest = taken > slowest ? taken : slowest;
                await Task.Delay(10, CancellationToken.None);
            }
        }
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
