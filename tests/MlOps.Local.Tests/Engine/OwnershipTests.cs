using System.Diagnostics;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;
using Microsoft.Extensions.Logging.Abstractions;
using MlOps.Local.Engine;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Local.Tests.Engine;

[Collection(AzuriteFixture.Collection)]
public sealed class OwnershipTests(AzuriteFixture azurite)
{
    private readonly Probe probe = new();
    private readonly string model = AzuriteFixture.UniqueModel();

    private static EngineOptions Options(bool soleOwner = false) =>
        new() { PollInterval = TimeSpan.FromMilliseconds(200), LeaseDuration = TimeSpan.FromSeconds(15), SoleOwner = soleOwner, MostRuns = 4 };

    [Fact]
    public async Task Two_engines_on_one_storage_run_every_run_once()
    {
        probe.Work = (_, _, cancel) => Task.Delay(300, cancel);
        await using var first = await EngineHost.StartAsync(azurite, probe, options: Options());
        await using var second = await EngineHost.StartAsync(azurite, probe, options: Options());
        string[] models = [.. Enumerable.Range(0, 6).Select(_ => AzuriteFixture.UniqueModel())];

        var runs = await Task.WhenAll(models.Select(first.SubmitAsync));
        var ended = await Task.WhenAll(runs.Select(second.EndOfAsync));

        ended.Should().OnlyContain(run => run.State == RunState.Succeeded);
        models.Should().OnlyContain(name => probe.Calls(name) == 1);
    }

    [Fact]
    public async Task A_run_that_another_process_may_still_own_is_left_alone_until_its_lease_is_free()
    {
        var (run, owner) = await AbandonedRunAsync();
        await using var host = await EngineHost.StartAsync(azurite, probe, options: Options());

        var other = await host.EndOfAsync(await host.SubmitAsync(AzuriteFixture.UniqueModel()));
        var before = await host.Runs.FindAsync(run.RunId, CancellationToken.None);
        await owner.ReleaseAsync();
        var after = await host.EndOfAsync(run);

        other.State.Should().Be(RunState.Succeeded);
        before!.State.Should().Be(RunState.Running);
        after.State.Should().Be(RunState.Succeeded);
    }

    [Fact]
    public async Task The_sole_owner_of_the_storage_takes_up_a_dead_hosts_run_at_once()
    {
        var (run, _) = await AbandonedRunAsync();
        var start = DateTimeOffset.UtcNow;
        await using var host = await EngineHost.StartAsync(azurite, probe, options: Options(soleOwner: true));

        var ended = await host.EndOfAsync(run);

        ended.State.Should().Be(RunState.Succeeded);
        (DateTimeOffset.UtcNow - start).Should().BeLessThan(TimeSpan.FromSeconds(14), "an infinite lease would never have run out");
    }

    [Fact]
    public async Task A_renewal_that_hangs_is_given_up_and_the_next_one_keeps_the_lease()
    {
        var puts = 0;
        // The first makes the blob, the second acquires the lease, the third renews it.
        var hold = new HoldOnce((method, path) => method == "PUT" && path.EndsWith($"/{model}", StringComparison.Ordinal) && ++puts == 3);
        var started = Stopwatch.StartNew();
        await using var lease = await AcquireAsync(hold.Storage(azurite));
        await hold.Held;

        await Task.Delay(Left(Options().LeaseDuration + TimeSpan.FromSeconds(1), started));
        var other = await Leases(azurite.NewStorage()).TryAcquireAsync(model, CancellationToken.None);

        lease.Lost.IsCancellationRequested.Should().BeFalse();
        other.Should().BeNull("the lease was renewed");
        hold.LetGo();
    }

    [Fact]
    public async Task While_every_renewal_hangs_the_work_stops_before_the_lease_has_run_out()
    {
        var puts = 0;
        var hang = new Hanging(
            request => request.Method == RequestMethod.Put && request.Uri.Path.EndsWith($"/{model}", StringComparison.Ordinal) && ++puts > 2);
        var blobs = new BlobClientOptions();
        blobs.AddPolicy(hang, HttpPipelinePosition.PerCall);
        var storage = new PipelineStorage(new BlobServiceClient(azurite.ConnectionString, blobs), new TableServiceClient(azurite.ConnectionString));
        var started = Stopwatch.StartNew();
        await using var lease = await AcquireAsync(storage);
        var lost = new TaskCompletionSource();
        using var seen = lease.Lost.Register(lost.SetResult);

        var first = await Task.WhenAny(lost.Task, Task.Delay(Left(Options().LeaseDuration, started)));

        first.Should().Be(lost.Task, "another host may take the run from then on");
    }

    /// <summary>What is left of a time, and nothing on a machine so busy that it is over.</summary>
    private static TimeSpan Left(TimeSpan whole, Stopwatch started) => whole > started.Elapsed ? whole - started.Elapsed : TimeSpan.Zero;

    private static RunLeases Leases(PipelineStorage storage) => new(storage, Options(), TimeProvider.System, NullLogger<RunLeases>.Instance);

    private async Task<RunLease> AcquireAsync(PipelineStorage storage) => (await Leases(storage).TryAcquireAsync(model, CancellationToken.None))!;

    /// <summary>Requests that never end, whoever gives them up.</summary>
    private sealed class Hanging(Func<Request, bool> isIt) : HttpPipelinePolicy
    {
        public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
        {
            if (isIt(message.Request))
            {
                await Task.Delay(Timeout.InfiniteTimeSpan);
            }
            await ProcessNextAsync(message, pipeline);
        }

        public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => ProcessNext(message, pipeline);
    }

    [Fact]
    public async Task A_lost_lease_stops_the_work_without_failing_the_run()
    {
        var stopped = new TaskCompletionSource();
        probe.Work = async (_, call, cancel) =>
        {
            if (call == 1)
            {
                using var seen = cancel.Register(() => stopped.TrySetResult());
                await Task.Delay(Timeout.InfiniteTimeSpan, cancel);
            }
        };
        await using var host = await EngineHost.StartAsync(azurite, probe, options: Options());
        var run = await host.SubmitAsync(model);
        await Eventually.IsTrueAsync(() => probe.Calls(model) == 1);

        await Lease(run).BreakAsync(TimeSpan.Zero);
        await stopped.Task.WaitAsync(TimeSpan.FromSeconds(30));
        var ended = await host.EndOfAsync(run);

        ended.State.Should().Be(RunState.Succeeded);
        ended.Error.Should().BeNull();
        probe.Calls(model).Should().Be(2);
    }

    [Fact]
    public async Task An_ended_run_leaves_no_lease_behind()
    {
        await using var host = await EngineHost.StartAsync(azurite, probe);

        var run = await host.EndOfAsync(await host.SubmitAsync(model));

        await Eventually.IsTrueAsync(async () => !(await host.Services.Storage.Leases.GetBlobClient(run.RunId).ExistsAsync()).Value);
    }

    /// <summary>A run as a killed host leaves it: running, its lease held for good.</summary>
    private async Task<(Run Run, BlobLeaseClient Owner)> AbandonedRunAsync()
    {
        await using var dead = await EngineHost.StartAsync(azurite, probe);
        await dead.StopAsync();
        var run = await dead.SubmitAsync(model);
        await dead.Runs.UpdateAsync(run.RunId, now => now with { State = RunState.Running, Started = DateTimeOffset.UtcNow }, CancellationToken.None);
        await Blob(run).UploadAsync(BinaryData.FromString(""));
        var lease = Lease(run);
        await lease.AcquireAsync(BlobLeaseClient.InfiniteLeaseDuration);
        dead.Abandon();
        return (run, lease);
    }

    private BlobClient Blob(Run run) => azurite.NewStorage().Leases.GetBlobClient(run.RunId);

    private BlobLeaseClient Lease(Run run) => Blob(run).GetBlobLeaseClient();
}
