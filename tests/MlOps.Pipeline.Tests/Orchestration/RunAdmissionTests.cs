using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Orchestration;

[Collection(AzuriteFixture.Collection)]
public sealed class RunAdmissionTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly string model = AzuriteFixture.UniqueModel();
    private readonly DateTimeOffset start = DateTimeOffset.UtcNow;
    private PipelineHost host = null!;

    public Task InitializeAsync()
    {
        host = new PipelineHost(azurite);
        return Task.CompletedTask;
    }

    public Task DisposeAsync() => host.DisposeAsync().AsTask();

    [Fact]
    public async Task The_oldest_run_goes_and_the_next_one_when_it_has_ended()
    {
        var (first, second) = (await CreateAsync(0), await CreateAsync(1));

        (await TakeAsync(second)).Should().BeFalse();
        (await TakeAsync(first)).Should().BeTrue();
        (await TakeAsync(second)).Should().BeFalse();
        await EndAsync(first);
        (await TakeAsync(second)).Should().BeTrue();

        (await FindAsync(second)).State.Should().Be(RunState.Running);
    }

    [Fact]
    public async Task Taking_the_turn_again_after_a_crash_changes_nothing()
    {
        var run = await CreateAsync(0);
        await TakeAsync(run);
        var started = (await FindAsync(run)).Started;

        (await TakeAsync(run)).Should().BeTrue();

        (await FindAsync(run)).Started.Should().Be(started).And.NotBeNull();
    }

    [Fact]
    public async Task An_older_run_that_shows_up_late_waits_for_the_one_that_goes()
    {
        var later = await CreateAsync(5);
        await TakeAsync(later);
        var earlier = await CreateAsync(0);

        var meanwhile = await TakeAsync(earlier);
        await EndAsync(later);

        meanwhile.Should().BeFalse();
        (await TakeAsync(earlier)).Should().BeTrue();
    }

    [Fact]
    public async Task Of_many_at_the_same_moment_one_goes()
    {
        var runs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => CreateAsync(0)));

        var taken = await Task.WhenAll(runs.Select(TakeAsync));

        taken.Count(turn => turn == true).Should().BeLessThanOrEqualTo(1);
        taken.Should().NotContainNulls();
        (await Task.WhenAll(runs.Select(TakeAsync))).Count(turn => turn == true).Should().Be(1);
    }

    [Fact]
    public async Task A_run_that_is_to_skip_ends_while_another_goes()
    {
        var first = await CreateAsync(0);
        var second = await CreateAsync(1, Overlap.Skip);

        (await TakeAsync(first)).Should().BeTrue();
        (await TakeAsync(second)).Should().BeNull();

        var skipped = await FindAsync(second);
        (skipped.State, skipped.Error).Should().Be((RunState.Cancelled, RunOrder.WhySkipped));
    }

    [Fact]
    public async Task Parallel_runs_and_other_models_do_not_wait()
    {
        var first = await CreateAsync(0);
        var second = await CreateAsync(1, Overlap.Parallel);
        var other = await CreateAsync(2, model: AzuriteFixture.UniqueModel());

        (await TakeAsync(first)).Should().BeTrue();
        (await TakeAsync(second)).Should().BeTrue();
        (await TakeAsync(other)).Should().BeTrue();
    }

    [Fact]
    public async Task A_run_that_only_ingests_waits_for_none_and_none_waits_for_it()
    {
        var ingesting = await CreateAsync(0, goal: RunGoal.Dataset);
        var training = await CreateAsync(1);
        var skipping = await CreateAsync(2, Overlap.Skip);
        var alsoIngesting = await CreateAsync(3, Overlap.Skip, goal: RunGoal.Dataset);

        (await TakeAsync(ingesting)).Should().BeTrue();
        (await TakeAsync(training)).Should().BeTrue();
        (await TakeAsync(alsoIngesting)).Should().BeTrue();
        await EndAsync(training);
        (await TakeAsync(skipping)).Should().BeTrue();
    }

    [Fact]
    public async Task A_dropped_files_run_that_is_to_skip_goes_on_to_ingest()
    {
        var first = await CreateAsync(0);
        var second = await CreateAsync(1, Overlap.Skip, trigger: "file");

        (await TakeAsync(first)).Should().BeTrue();
        (await TakeAsync(second)).Should().BeTrue();

        var skipped = await FindAsync(second);
        (skipped.State, skipped.Goal).Should().Be((RunState.Running, RunGoal.Dataset));
        skipped.BlockedBy.Should().Equal(RunOrder.WhySkipped);
    }

    [Fact]
    public async Task A_cancelled_run_has_no_turn()
    {
        var run = await CreateAsync(0);
        await host.Get<RunStore>().MarkEndedAsync(run.RunId, RunState.Cancelled, "not needed", CancellationToken.None);

        (await TakeAsync(run)).Should().BeNull();
        (await host.Get<RunAdmission>().MarkRunningAsync(run.RunId, CancellationToken.None)).Should().BeFalse();
        (await FindAsync(run)).State.Should().Be(RunState.Cancelled);
    }

    private Task<bool?> TakeAsync(Run run) => host.Get<RunAdmission>().TryTakeAsync(run.RunId, CancellationToken.None);

    private Task EndAsync(Run run) => host.Get<RunStore>().MarkEndedAsync(run.RunId, RunState.Succeeded, null, CancellationToken.None);

    private async Task<Run> FindAsync(Run run) => (await host.Get<RunStore>().FindAsync(run.RunId, CancellationToken.None))!;

    private async Task<Run> CreateAsync(
        int second, Overlap overlap = Overlap.Queue, string? model = null, RunGoal goal = RunGoal.Model, string trigger = "test")
    {
        var created = start.AddSeconds(second);
        var run = new Run
        {
            RunId = RunId.New(model ?? this.model, created),
            Model = model ?? this.model,
            State = RunState.Queued,
            DefinitionId = "none",
            Source = "/nowhere.csv",
            Trigger = trigger,
            Created = created,
            Goal = goal,
            Overlap = overlap,
        };
        await host.Get<RunStore>().CreateAsync(run, CancellationToken.None);
        return run;
    }
}
