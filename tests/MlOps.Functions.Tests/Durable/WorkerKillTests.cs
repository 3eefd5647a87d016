using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.OpenLineage;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Functions.Tests.Durable;

/// <summary>
/// Two worker processes on one task hub, of which one or both are killed at random moments. <c>MLOPS_TEST_WORKER_KILLS</c> says how often.
/// </summary>
public sealed class WorkerKillTests(AzuriteFixture azurite, ITestOutputHelper output) : IClassFixture<AzuriteFixture>, IDisposable
{
    /// <summary>Kills that are over before a second version is there.</summary>
    private const int Few = 5;

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-workers-").FullName;
    private readonly string hub = Backends.NewHub();
    private readonly List<string> runs = [];
    private readonly List<int> moves = [];

    [UnixFact]
    public async Task Runs_whose_workers_are_killed_at_any_moment_end_once_and_right()
    {
        var seed = TestSize.Seed;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var slack = await SlackEndpoint.StartAsync();
        await using var lineage = await LineageReceiver.StartAsync();
        lineage.Answer = (call, _) => call % 5 == 0 ? 503 : 200;
        await using var services = Services(lineage);
        var definition = Trips.Definition() with { Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 3 }] };
        await services.GetRequiredService<DefinitionStore>().PutAsync(definition, CancellationToken.None);
        await services.GetRequiredService<PipelineStorage>().Raw.GetBlobClient($"{definition.Model}/a.csv").UploadAsync(BinaryData.FromString(Trips.Csv(600)));
        LocalProcess[] workers = [Start(slack, lineage), Start(slack, lineage)];
        try
        {
            await Task.WhenAll(workers.Select(worker => worker.PrintedAsync(WorkerProgram.IsReady)));
            if (TestSize.WorkerKills > Few)
            {
                await MakeVersionsAsync(services, definition.Model);
            }
            for (var kill = 0; kill < TestSize.WorkerKills; kill++)
            {
                await KeepBusyAsync(services, definition.Model);
                await GoneOnAsync(services, await ProgressAsync(services));
                await Task.Delay(random.Next(2_000));
                await MoveAsync(services, definition.Model);
                foreach (var victim in random.Next(3) switch { 0 => new[] { 0, 1 }, 1 => [0], _ => [1] })
                {
                    await workers[victim].KillAsync();
                    await workers[victim].DisposeAsync();
                    workers[victim] = Start(slack, lineage);
                }
            }
            await AssertEndedOnceAsync(services, slack, definition.Model, workers, seed);
            await AssertToldAsync(lineage, seed);
        }
        finally
        {
            foreach (var worker in workers)
            {
                await worker.KillAsync();
                await worker.DisposeAsync();
            }
        }
        output.WriteLine($"{TestSize.WorkerKills} kills, {runs.Count} runs, {moves.Count} moves of an alias");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private LocalProcess Start(SlackEndpoint slack, LineageReceiver lineage) => LocalProcess.StartProgram(
        "MlOps.Functions.Tests.dll", new Dictionary<string, string?>(), "worker", azurite.ConnectionString, hub,
        Path.Combine(folder, Guid.NewGuid().ToString("N")), slack.Url.ToString(), lineage.Url.ToString());

    /// <summary>There is always a run to be killed within: one works, one waits for its turn.</summary>
    private async Task KeepBusyAsync(ServiceProvider services, string model)
    {
        while ((await services.GetRequiredService<RunStore>().ListUnfinishedAsync(CancellationToken.None)).Count < 2)
        {
            var run = await services.GetRequiredService<RunStarter>().StartAsync(model, $"raw/{model}/a.csv", "http", CancellationToken.None);
            runs.Add(run.RunId);
        }
    }

    /// <summary>What has been begun and ended.</summary>
    private async Task<string> ProgressAsync(ServiceProvider services)
    {
        var store = services.GetRequiredService<RunStore>();
        var details = await Task.WhenAll(runs.TakeLast(2).Select(run => store.FindDetailsAsync(run, CancellationToken.None)));
        return string.Join('\n', details.SelectMany(run => run!.Stages));
    }

    /// <summary>After a kill the other worker, or the next one, comes to work again: who is killed then is killed within something.</summary>
    private Task GoneOnAsync(ServiceProvider services, string before) =>
        Eventually.IsTrueAsync(async () => await ProgressAsync(services) != before, () => before, TimeSpan.FromMinutes(2));

    /// <summary>Two versions from the start, so that an alias is moved with each kill. Few kills are over before there are two of them.</summary>
    private async Task MakeVersionsAsync(ServiceProvider services, string model)
    {
        await KeepBusyAsync(services, model);
        await Eventually.IsTrueAsync(
            async () => (await services.GetRequiredService<RunStore>().ListUnfinishedAsync(CancellationToken.None)).Count == 0,
            () => "the first two runs go on", TimeSpan.FromMinutes(2));
    }

    /// <summary>A person points production at another version.</summary>
    private async Task MoveAsync(ServiceProvider services, string model)
    {
        var registry = services.GetRequiredService<ModelRegistry>();
        if (await registry.FindAsync(model, CancellationToken.None) is { LatestVersion: > 1 } found)
        {
            var target = found.Production == 1 ? 2 : 1;
            await registry.SetAliasAsync(model, ModelAlias.Production, target, "by hand", CancellationToken.None);
            moves.Add(target);
        }
    }

    private async Task AssertEndedOnceAsync(ServiceProvider services, SlackEndpoint slack, string model, LocalProcess[] workers, int seed)
    {
        var because = $"seed {seed}";
        var store = services.GetRequiredService<RunStore>();
        var details = new List<RunDetails>();
        foreach (var run in runs)
        {
            RunDetails? last = null;
            await Eventually.IsTrueAsync(
                async () => (last = await store.FindDetailsAsync(run, CancellationToken.None))!.Run.HasEnded,
                () => $"{last!.Run} {string.Join(", ", last.Stages)} {string.Join('\n', workers.Select(worker => worker.Errors + worker.Output))} ({because})",
                TimeSpan.FromMinutes(4));
            details.Add(last!);
        }
        details.Select(run => run.Run.State).Should().OnlyContain(state => state == RunState.Succeeded || state == RunState.Blocked, because);
        var registry = services.GetRequiredService<ModelRegistry>();
        (await registry.ListVersionsAsync(model, CancellationToken.None)).Reverse().Select(version => (version.Version, version.RunId)).Should().Equal(
            runs.Select((run, index) => (index + 1, run)), "runs go one after another, and each registers one version ({0})", because);
        var history = await registry.ListHistoryAsync(model, CancellationToken.None);
        history.Where(move => move.Reason.StartsWith("promoted", StringComparison.Ordinal)).Select(move => move.Reason).Should().OnlyHaveUniqueItems(because);
        history.Count(move => move.Reason == "by hand").Should().Be(moves.Count, because);
        foreach (var run in details)
        {
            run.Alerts.Select(alert => alert.State).Should().NotContain(state => state != AlertState.Sent && state != AlertState.Sending, because);
            var told = slack.Calls.Count(call => call.Message.GetRawText().Contains($"{run.Run.RunId}|Open", StringComparison.Ordinal));
            told.Should().BeInRange(run.Alerts.Count(alert => alert.State == AlertState.Sent), run.Alerts.Count, because);
        }
        details.Select(run => string.Join('\n', run.Metrics.Where(metric => metric.Key.StartsWith("val_", StringComparison.Ordinal))))
            .Distinct().Should().ContainSingle("all runs train on the same rows ({0})", because);
        // The last stage's own row follows the run's.
        await Eventually.IsTrueAsync(async () => (await services.GetRequiredService<StorageDoctor>().ExamineAsync(CancellationToken.None)).IsSound);
    }

    /// <summary>Each run began once and ended in one way. A kill between the receiver's answer and our note of it sends the very same event again.</summary>
    private async Task AssertToldAsync(LineageReceiver lineage, int seed)
    {
        await Eventually.IsTrueAsync(
            () => Task.FromResult(runs.All(run => lineage.TypesOf(LineageEvents.IdOf(run)).Contains("COMPLETE"))),
            () => string.Join('\n', runs.Select(run => $"{run}: {string.Join(", ", lineage.TypesOf(LineageEvents.IdOf(run)))} (seed {seed})")),
            TimeSpan.FromMinutes(2));
        foreach (var run in runs)
        {
            var told = lineage.Taken.Where(told => (string)told["run"]!["runId"]! == LineageEvents.IdOf(run).ToString()).ToList();
            told.Select(one => one.ToJsonString()).Distinct().Should().HaveCount(2, "seed {0}, run {1}", seed, run);
            told.Select(one => (string)one["eventType"]!).Distinct().Should().Equal(["START", "COMPLETE"], "seed {0}, run {1}", seed, run);
        }
    }

    /// <summary>What a caller of the app's API needs: runs are rows, which a worker starts.</summary>
    private ServiceProvider Services(LineageReceiver lineage) => new ServiceCollection()
        .AddSingleton(TimeProvider.System)
        .AddSingleton(azurite.NewStorage())
        .AddSingleton(KnownExtensions.None)
        .AddSingleton<DefinitionStore>()
        .AddSingleton<RunStore>()
        .AddSingleton<ModelRegistry>()
        .AddSingleton<DataTags>().AddSingleton<DataLog>().AddSingleton<DataVersions>().AddSingleton<StorageDoctor>()
        .AddSingleton<RunSources>().AddSingleton(WorkerProgram.Told(lineage.Url.ToString())).AddSingleton<LineageOutbox>()
        .AddSingleton<RunStarter>()
        .AddSingleton<IPipelineEngine, RowsOnly>()
        .BuildServiceProvider();

    private sealed class RowsOnly : IPipelineEngine
    {
        public Task StartAsync(RunInput input, CancellationToken cancel) => Task.CompletedTask;

        public Task SignalAsync(string runId, string eventName, string payload, CancellationToken cancel) => throw new NotSupportedException();

        public Task CancelAsync(string runId, string reason, CancellationToken cancel) => throw new NotSupportedException();
    }
}
