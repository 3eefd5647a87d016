using System.Threading.Channels;
using Azure;
using MlOps.Local.Engine;
using MlOps.Local.Storage;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;

namespace MlOps.Local.Hosting;

/// <summary>
/// Reproduces runs while the host goes on, one at a time, as training takes all cores. What is asked for is written down before it begins; a lease tells hosts
/// on the same storage whether whoever has begun it is still there.
/// </summary>
internal sealed partial class Reproducer(
    RunReproduction reproduction, ReproductionStore store, RunLeases leases, TimeProvider time, ILogger<Reproducer> logger) : BackgroundService, IReproducer
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    private readonly Channel<Order> orders = Channel.CreateBounded<Order>(1);
    private readonly SemaphoreSlim asking = new(1);

    private volatile Order? going;

    public async Task<Reproduction> ReproduceAsync(RunDetails run, string by, CancellationToken cancel)
    {
        var runId = run.Run.RunId;
        await asking.WaitAsync(cancel);
        try
        {
            if (going is { } before)
            {
                return before.Begun;
            }
            var plan = await reproduction.PlanAsync(run, cancel);
            var begun = new Reproduction { RunId = runId, State = ReproductionState.Running, By = by, Started = time.GetUtcNow() };
            if (await leases.TryAcquireAsync(LeaseOf(runId), cancel) is not { } lease)
            {
                // Another host is at it, and may have asked for the lease a moment ago.
                return await store.FindAsync(runId, cancel) is { State: ReproductionState.Running } others ? others : begun;
            }
            await BeginAsync(plan, begun, lease);
            return begun;
        }
        finally
        {
            asking.Release();
        }
    }

    public async Task<Reproduction?> FindAsync(string runId, CancellationToken cancel)
    {
        var found = await store.FindAsync(runId, cancel);
        if (found is not { State: ReproductionState.Running } || going?.Begun.RunId == runId || await leases.IsAnothersAsync(LeaseOf(runId), cancel))
        {
            return found;
        }
        // It may have ended just now: that is written before its lease goes.
        found = await store.FindAsync(runId, cancel);
        return found is { State: ReproductionState.Running } ? Failed(found, "The host ended in between.") : found;
    }

    public override void Dispose()
    {
        asking.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var order in orders.Reader.ReadAllAsync(stoppingToken))
            {
                await EndAsync(order, await WorkAsync(order, stoppingToken));
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        orders.Writer.TryComplete();
        while (orders.Reader.TryRead(out var left))
        {
            await EndAsync(left, Stopped(left));
        }
    }

    /// <summary>From here on it is no matter of whoever asked, who may hang up.</summary>
    private async Task BeginAsync(ReproductionPlan plan, Reproduction begun, RunLease lease)
    {
        lease.Remove = true;
        try
        {
            going = new Order(plan, begun, lease, await store.BeginAsync(begun, CancellationToken.None));
        }
        catch
        {
            await lease.DisposeAsync();
            throw;
        }
        if (!orders.Writer.TryWrite(going))
        {
            await EndAsync(going, Stopped(going));
        }
    }

    private async Task<Reproduction> WorkAsync(Order order, CancellationToken stopping)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping, order.Lease.Lost);
        try
        {
            var found = await reproduction.RunAsync(order.Plan, line => LogProgress(order.Begun.RunId, line), FollowAsync, stop.Token);
            return order.Begun with
            {
                State = found.Difference is null ? ReproductionState.Same : ReproductionState.Different,
                Facts = found.Facts,
                Difference = found.Difference,
                Text = string.Join(' ', found.Sentences),
            };
        }
        catch (Exception) when (stopping.IsCancellationRequested)
        {
            return Stopped(order);
        }
        catch (Exception) when (order.Lease.Lost.IsCancellationRequested)
        {
            return Failed(order.Begun, "Storage did not answer for a while, so that another host might have begun the same.");
        }
        catch (Exception fault)
        {
            LogFailed(order.Begun.RunId, fault);
            return Failed(order.Begun, fault is EnvironmentProblemException ? fault.Message : FaultText.Of(fault));
        }
    }

    private async Task EndAsync(Order order, Reproduction ended)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            await store.EndAsync(ended with { Ended = time.GetUtcNow() }, order.State, deadline.Token);
        }
        catch (Exception fault) when (fault is RequestFailedException or OperationCanceledException or AggregateException)
        {
            LogNotWritten(order.Begun.RunId, fault);
        }
        await order.Lease.DisposeAsync();
        going = null;
    }

    private static async Task<RunDetails> FollowAsync(RunStore runs, string runId, IReadOnlyList<string> candidates, CancellationToken cancel)
    {
        while (await runs.FindAsync(runId, cancel) is not { HasEnded: true })
        {
            await Task.Delay(Pause, cancel);
        }
        return (await runs.FindDetailsAsync(runId, cancel))!;
    }

    private static Reproduction Stopped(Order order) => Failed(order.Begun, "The host was stopped in between.");

    private static Reproduction Failed(Reproduction begun, string why) => begun with
    {
        State = ReproductionState.Failed,
        Text = $"{why} Ask for it again: POST /runs/{begun.RunId}/reproduction.",
    };

    private static string LeaseOf(string runId) => $"{runId}.reproduction";

    [LoggerMessage(Level = LogLevel.Information, Message = "Reproduction of run {RunId}: {Line}")]
    private partial void LogProgress(string runId, string line);

    [LoggerMessage(Level = LogLevel.Error, Message = "Run {RunId} could not be reproduced")]
    private partial void LogFailed(string runId, Exception fault);

    [LoggerMessage(Level = LogLevel.Warning, Message = "How the reproduction of run {RunId} ended could not be stored; it counts as broken off")]
    private partial void LogNotWritten(string runId, Exception fault);

    /// <param name="Plan">What is run again.</param>
    /// <param name="Begun">What was written when it began.</param>
    /// <param name="Lease">This process's hold on it.</param>
    /// <param name="State">The state of what was written.</param>
    private sealed record Order(ReproductionPlan Plan, Reproduction Begun, RunLease Lease, ETag State);
}

/// <summary>Registers what reproduces runs over HTTP.</summary>
internal static class ReproducerServices
{
    public static IServiceCollection AddReproducer(this IServiceCollection services) => services
        .AddSingleton<ReproductionStore>()
        .AddSingleton<Reproducer>()
        .AddSingleton<IReproducer>(given => given.GetRequiredService<Reproducer>())
        .AddHostedService(given => given.GetRequiredService<Reproducer>());
}
