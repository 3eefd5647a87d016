using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Orchestration;

/// <summary>Permits are all runs' of a storage: these tests leave none behind.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class TrainingPermitsTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const int Most = 3;

    private readonly List<Run> created = [];
    private readonly TestClock clock = new(DateTimeOffset.UtcNow);
    private PipelineHost host = null!;

    public Task InitializeAsync()
    {
        host = new PipelineHost(azurite, services => services
            .AddSingleton<TimeProvider>(clock)
            .ChangeOptions(options => options with { MostTrainingsTogether = Most }));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        foreach (var run in created)
        {
            await EndAsync(run);
        }
        await host.DisposeAsync();
    }

    [Fact]
    public async Task What_is_permitted_is_permitted_until_it_is_given_back()
    {
        var (first, second) = (await CreateAsync(), await CreateAsync());

        (await TakeAsync(first, ["a", "b"])).Should().Equal("a", "b");
        (await TakeAsync(second, ["a", "b"])).Should().Equal("a");
        (await TakeAsync(second, ["b"])).Should().BeEmpty("others train");
        await Permits.GiveBackAsync(first.RunId, ["b"], CancellationToken.None);
        (await TakeAsync(second, ["b"])).Should().Equal("b");
        (await TakeAsync(first, ["b"])).Should().BeEmpty();
    }

    [Fact]
    public async Task Asking_again_after_a_crash_takes_no_second_permit()
    {
        var (first, second) = (await CreateAsync(), await CreateAsync());
        await TakeAsync(first, ["a", "b"]);

        (await TakeAsync(first, ["a", "b"])).Should().BeEquivalentTo("a", "b");

        (await TakeAsync(second, ["a"])).Should().Equal(["a"], "one was left");
    }

    [Fact]
    public async Task Giving_back_twice_takes_nothing_from_others()
    {
        var (first, second) = (await CreateAsync(), await CreateAsync());
        await TakeAsync(first, ["a", "b", "c"]);
        await Permits.GiveBackAsync(first.RunId, ["a"], CancellationToken.None);
        await TakeAsync(second, ["a"]);

        await Permits.GiveBackAsync(first.RunId, ["a"], CancellationToken.None);

        (await TakeAsync(first, ["a"])).Should().BeEmpty();
    }

    [Fact]
    public async Task A_request_that_comes_again_after_its_candidate_was_trained_holds_no_permit()
    {
        var (first, second) = (await CreateAsync(), await CreateAsync());
        await TakeAsync(first, ["a", "b"]);
        await host.Get<RunStore>().RecordResultAsync(first.RunId, new StageStatus("train", "a", StageState.Succeeded), "{}", CancellationToken.None);
        await Permits.GiveBackAsync(first.RunId, ["a"], CancellationToken.None);

        (await TakeAsync(first, ["a", "b"])).Should().BeEquivalentTo("a", "b");

        (await TakeAsync(second, ["a", "b"])).Should().BeEquivalentTo(["a", "b"], "only b holds one");
    }

    [Fact]
    public async Task A_run_that_ended_or_was_deleted_holds_no_permits()
    {
        var (ended, deleted, next) = (await CreateAsync(), await CreateAsync(), await CreateAsync());
        await TakeAsync(ended, ["a", "b"]);
        await TakeAsync(deleted, ["a"]);
        (await TakeAsync(next, ["x", "y", "z"])).Should().BeEmpty();

        await EndAsync(ended);
        (await TakeAsync(next, ["x", "y", "z"])).Should().Equal("x", "y");
        await EndAsync(deleted);
        await host.Get<RunStore>().DeleteAsync(deleted.RunId, CancellationToken.None);
        created.Remove(deleted);
        (await TakeAsync(next, ["z"])).Should().Equal("z");
    }

    [Fact]
    public async Task What_is_free_belongs_to_who_has_waited_longest()
    {
        var (first, old, young) = (await CreateAsync(), await CreateAsync(), await CreateAsync());
        await TakeAsync(first, ["a", "b", "c"]);
        (await TakeAsync(old, ["a", "b"])).Should().BeEmpty();
        clock.Now += TimeSpan.FromSeconds(1);
        await Permits.GiveBackAsync(first.RunId, ["a", "b"], CancellationToken.None);

        (await TakeAsync(young, ["a"])).Should().BeEmpty("both places are the older run's");
        (await TakeAsync(old, ["a", "b"])).Should().Equal("a", "b");
        await Permits.GiveBackAsync(first.RunId, ["c"], CancellationToken.None);
        (await TakeAsync(young, ["a"])).Should().Equal("a");
    }

    [Fact]
    public async Task Who_asks_no_more_keeps_nobody_waiting()
    {
        var (first, cancelled, silent, next) = (await CreateAsync(), await CreateAsync(), await CreateAsync(), await CreateAsync());
        await TakeAsync(first, ["a", "b", "c"]);
        await TakeAsync(cancelled, ["a"]);
        await TakeAsync(silent, ["a", "b"]);
        clock.Now += TimeSpan.FromSeconds(1);
        await Permits.GiveBackAsync(first.RunId, ["a", "b", "c"], CancellationToken.None);
        await EndAsync(cancelled);

        (await TakeAsync(next, ["x", "y"])).Should().Equal(["x"], "two of three are kept for the one that may still ask");
        clock.Now += TimeSpan.FromMinutes(6);
        (await TakeAsync(next, ["y", "z"])).Should().Equal("y", "z");
    }

    [Fact]
    public async Task Of_many_that_ask_at_the_same_moment_no_more_may_train_than_there_are_permits()
    {
        var runs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => CreateAsync()));

        var taken = await Task.WhenAll(runs.Select(run => TakeAsync(run, ["a", "b"])));
        var more = await Task.WhenAll(runs.Select(run => TakeAsync(run, ["a", "b"])));

        taken.Sum(some => some.Count).Should().Be(Most);
        more.Sum(some => some.Count).Should().Be(Most, "what was permitted before is told again, and there is no more");
    }

    private TrainingPermits Permits => host.Get<TrainingPermits>();

    private Task<IReadOnlyList<string>> TakeAsync(Run run, IReadOnlyList<string> waiting) =>
        Permits.TakeAsync(new PermitRequest(run.RunId, waiting), CancellationToken.None);

    private Task EndAsync(Run run) => host.Get<RunStore>().MarkEndedAsync(run.RunId, RunState.Succeeded, null, CancellationToken.None);

    private async Task<Run> CreateAsync()
    {
        var (model, now) = (AzuriteFixture.UniqueModel(), DateTimeOffset.UtcNow);
        var run = new Run
        {
            RunId = RunId.New(model, now),
            Model = model,
            State = RunState.Running,
            DefinitionId = "none",
            Source = "/nowhere.csv",
            Trigger = "test",
            Created = now,
        };
        await host.Get<RunStore>().CreateAsync(run, CancellationToken.None);
        lock (created)
        {
            created.Add(run);
        }
        return run;
    }
}
