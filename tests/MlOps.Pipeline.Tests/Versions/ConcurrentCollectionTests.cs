using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Pipeline.Tests.Versions;

/// <summary>
/// Eight committers make, find, name, pin, restore and forget versions, and one trains models and forgets them, while a collector deletes what nothing reaches.
/// On a storage of its own.
/// </summary>
public sealed class ConcurrentCollectionTests(ITestOutputHelper output) : IAsyncLifetime
{
    /// <summary>So many that one is often not touched for longer than the collector takes for a day.</summary>
    private const int Files = 400;

    /// <summary>What a run that trains has.</summary>
    private static readonly string[] Trained = ["raw", "clean", "features", "train", "validation"];

    /// <summary>What the collector takes for a day: longer than a run of a small table needs between finding a version and saying so.</summary>
    private static readonly TimeSpan Day = TimeSpan.FromSeconds(12);

    private readonly AzuriteFixture azurite = new();
    private readonly PipelineDefinition definition = Trips.Definition();
    private PipelineHost host = null!;
    private PipelineHost collecting = null!;

    public async Task InitializeAsync()
    {
        await azurite.InitializeAsync();
        host = new PipelineHost(azurite);
        collecting = new PipelineHost(azurite, services => services.AddSingleton<TimeProvider>(new Early(TimeSpan.FromDays(1) - Day)));
        await host.Get<DefinitionStore>().PutAsync(definition, default);
        await Parallel.ForAsync(0, Files, async (i, cancel) =>
            await host.Storage.Raw.GetBlobClient(FileOf(i)).UploadAsync(BinaryData.FromString(Trips.Csv(40, i)), cancel));
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await collecting.DisposeAsync();
        await azurite.DisposeAsync();
    }

    [Fact]
    public async Task Whatever_is_collected_meanwhile_every_version_that_something_reaches_reads_completely()
    {
        const int Committers = 8;
        const int Collected = 30;
        var seed = TestSize.Seed;
        output.WriteLine($"seed {seed}");
        using var done = new CancellationTokenSource();
        var committing = Enumerable.Range(0, Committers).Select(i => CommitAsync(i, new Random(seed + i), done.Token)).ToList();
        var training = TrainAsync(new Random(seed - 1), done.Token);
        var (collected, looks, bytes) = (0, 0, 0L);
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (collected < Collected && !training.IsCompleted && committing.All(committer => !committer.IsCompleted))
        {
            var collector = collecting.Get<DataCollector>();
            var deleted = await collector.DeleteAsync(await collector.FindAsync(deadline.Token), deadline.Token);
            (collected, looks, bytes) = (collected + deleted.Findings.Count, looks + 1, bytes + deleted.Bytes);
        }
        await done.CancelAsync();
        var commits = (await Task.WhenAll(committing)).Sum();
        var trained = await training;
        output.WriteLine($"{collected} folders, {bytes} bytes collected in {looks} looks, {commits} commits, {trained} trainings");

        collected.Should().BeGreaterThanOrEqualTo(Collected);
        var (log, datasets) = (host.Get<DataLog>(), host.Get<DatasetStore>());
        var (raw, made) = (new HashSet<string>(), new HashSet<string>());
        await foreach (var run in host.Get<RunStore>().ReadAllAsync(default))
        {
            var trains = run.Goal == RunGoal.Model;
            run.State.Should().BeOneOf([RunState.Succeeded, trains ? RunState.Blocked : RunState.Succeeded], "seed {0}: {1}", seed, run.Error);
            var had = await log.ListOfRunAsync(run.Model, run.RunId, default);
            had.Select(use => use.Stage).Should().BeEquivalentTo(trains ? Trained : ["raw"], "seed {0}, run {1}", seed, run.RunId);
            raw.UnionWith(had.Where(use => use.Stage == "raw").Select(use => use.Id));
            made.UnionWith(had.Select(use => use.Id));
        }
        raw.UnionWith((await host.Get<DataTags>().ListAsync(definition.Model, default)).Select(tag => tag.Version));
        raw.UnionWith((await log.ReadAllRestoredAsync(default)).Select(restored => restored.Version));
        var models = await host.Get<ModelRegistry>().ListVersionsAsync(definition.Model, default);
        made.UnionWith(models.SelectMany(version => Trained.Select(stage => version.Lineage.OfStage(stage)!)));
        raw.Add((await host.Get<DefinitionStore>().RequireAsync(definition.Model, default)).Data!);
        raw.UnionWith(models.Select(version => version.Lineage.Raw));
        (trained, made.Except(raw).Count()).Should().Match<(int, int)>(counts => counts.Item1 > 1 && counts.Item2 >= Trained.Length - 1);
        await using var reader = new PipelineHost(azurite);
        foreach (var id in raw.Union(made))
        {
            await reader.Get<DatasetStore>().OpenAsync(await reader.Get<DatasetStore>().GetAsync(id, default), default);
            (await log.FindAsync(definition.Model, id, default)).Should().NotBeNull("seed {0}: it is listed", seed);
        }
        (await reader.Get<DataCollector>().VerifyAsync(default)).Broken.Should().BeEmpty("seed {0}", seed);
        var listed = (await log.ListAsync(definition.Model, "raw", 1000, null, default)).Items.Select(version => version.Id).ToList();
        listed.Should().OnlyHaveUniqueItems().And.Contain(raw);
    }

    private string FileOf(int i) => $"{definition.Model}/{i}.csv";

    /// <summary>Returns how much it committed.</summary>
    private async Task<int> CommitAsync(int committer, Random random, CancellationToken done)
    {
        var (commits, mine) = (0, new Queue<string>());
        while (!done.IsCancellationRequested)
        {
            var request = new RunRequest(definition.Model, "raw/" + FileOf(random.Next(Files)), "test") { Goal = RunGoal.Dataset };
            var run = await host.Get<RunStarter>().StartAsync(request, default);
            mine.Enqueue(run.RunId);
            commits++;
            try
            {
                var name = (await host.Get<DataLog>().ListAsync(definition.Model, "raw", 20, null, default)).Items[^1].Id;
                await (random.Next(7) switch
                {
                    0 => host.Get<DataTags>().SetAsync(definition.Model, new DataTag($"tag-{committer}", name, Movable: true, "test", default), default),
                    1 => host.Get<RunSources>().RestoreAsync(definition.Model, name, "test", default),
                    2 => host.Get<RunStarter>().StartAsync(new RunRequest(definition.Model, null, "test") { Goal = RunGoal.Dataset, Data = name }, default),
                    3 => PinAsync(name),
                    _ => Task.CompletedTask,
                });
            }
            catch (InputException gone) when (gone.Message.Contains("collected", StringComparison.Ordinal) || gone.Message.Contains("no dataset version"))
            {
                // Nothing reached it: whoever comes too late is told so.
            }
            // All but the newest two are forgotten, and with them what they alone reached.
            while (mine.Count > 2)
            {
                (await host.Get<RunDeletion>().DeleteAsync(mine.Dequeue(), default)).Refusal.Should().BeNull();
            }
        }
        return commits;
    }

    /// <summary>As whoever puts a definition does.</summary>
    private async Task PinAsync(string name)
    {
        await host.Get<RunSources>().PinnedAsync(definition.Model, name, default);
        await host.Get<DefinitionStore>().PutAsync(definition with { Data = name }, default);
    }

    /// <summary>Trains, gives the newest version a name, and forgets all but a few with their runs. Returns how often it trained.</summary>
    private async Task<int> TrainAsync(Random random, CancellationToken done)
    {
        const int Kept = 2;
        var (trained, mine) = (0, new Queue<(int Version, string Run)>());
        while (!done.IsCancellationRequested)
        {
            var request = new RunRequest(definition.Model, "raw/" + FileOf(random.Next(Files)), "test");
            var run = (await host.Get<RunStore>().FindAsync((await host.Get<RunStarter>().StartAsync(request, default)).RunId, default))!;
            run.Version.Should().NotBeNull(run.Error);
            await host.Get<ModelRegistry>().SetAliasAsync(definition.Model, "chosen", run.Version!.Value, "test", default);
            mine.Enqueue((run.Version.Value, run.RunId));
            trained++;
            while (mine.Count > Kept)
            {
                // What is in production is kept.
                var (version, ended) = mine.Dequeue();
                if ((await host.Get<ModelDeletion>().DeleteVersionAsync(definition.Model, version, default)).Refusal is null)
                {
                    (await host.Get<RunDeletion>().DeleteAsync(ended, default)).Refusal.Should().BeNull();
                }
            }
        }
        return trained;
    }

    private sealed class Early(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
