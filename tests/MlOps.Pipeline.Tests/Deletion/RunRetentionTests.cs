using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Deletion;

/// <summary>In a storage of the class's own: what is old of other tests is not to be deleted.</summary>
public sealed class RunRetentionTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>
{
    private readonly string model = AzuriteFixture.UniqueModel();
    private readonly FakeTimeProvider clock = new(new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task Runs_that_ended_long_ago_and_made_nothing_that_is_kept_go_some_at_a_time()
    {
        await using var host = Host(30);
        var old = new List<Run>();
        for (var i = 0; i < RunRetention.MostAtOnce + 30; i++)
        {
            old.Add(await AddAsync(host, created: -60, ended: -59));
        }
        var late = await AddAsync(host, created: -60, ended: -2);
        var recent = await AddAsync(host, created: -3, ended: -2);
        var unfinished = await AddAsync(host, created: -60, ended: null);
        var maker = await AddAsync(host, created: -60, ended: -59);
        await host.Get<ModelRegistry>().RegisterAsync(Version(maker.RunId), default);
        var retention = host.Get<RunRetention>();

        var first = await retention.DeleteSomeAsync(default);
        var second = await retention.DeleteSomeAsync(default);
        var pausing = await retention.DeleteSomeAsync(default);

        first.Should().BeInRange(RunRetention.MostAtOnce - 3, RunRetention.MostAtOnce);
        (first + second, pausing).Should().Be((old.Count, 0));
        (await host.Get<RunStore>().ListAsync(model, 1000, default)).Select(run => run.RunId).Should().BeEquivalentTo(
            late.RunId, recent.RunId, unfinished.RunId, maker.RunId);
        clock.Advance(TimeSpan.FromDays(40));
        (await retention.DeleteSomeAsync(default)).Should().Be(2, "the two that ended two days before are old now");
        await host.Get<RunStore>().MarkEndedAsync(unfinished.RunId, RunState.Cancelled, null, default);
    }

    [Fact]
    public async Task Without_the_setting_nothing_goes()
    {
        await using var host = Host(days: null);
        var old = await AddAsync(host, created: -600, ended: -599);

        (await host.Get<RunRetention>().DeleteSomeAsync(default)).Should().Be(0);

        (await host.Get<RunDeletion>().DeleteAsync(old.RunId, default)).Should().Be(DeletionResult.Done);
    }

    [Theory]
    [InlineData("Runs:KeepDays", "90", 90)]
    [InlineData("MLOPS_KEEP_RUNS_DAYS", "1", 1)]
    [InlineData("MLOPS_KEEP_RUNS_DAYS", "", null)]
    [InlineData("Other", "1", null)]
    public void The_setting_is_a_number_of_days(string key, string value, int? days) =>
        RetentionOptions.Read(new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build()).RunDays.Should().Be(days);

    [Theory]
    [InlineData("Predictions:KeepDays", "30", 30)]
    [InlineData("MLOPS_KEEP_PREDICTIONS_DAYS", "365", 365)]
    [InlineData("Other", "1", 90)]
    public void Predictions_are_kept_for_a_number_of_days(string key, string value, int days) =>
        RetentionOptions.Read(new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build()).PredictionDays.Should().Be(days);

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("ninety")]
    [InlineData("1.5")]
    public void Another_setting_is_refused_by_its_name(string value)
    {
        var read = () => RetentionOptions.Read(new ConfigurationBuilder().AddInMemoryCollection([new("Runs:KeepDays", value)]).Build());

        read.Should().Throw<InputException>().WithMessage($"*Runs:KeepDays is '{value}'*");
    }

    private PipelineHost Host(int? days) =>
        new(azurite, services => services.AddSingleton<TimeProvider>(clock).AddSingleton(new RetentionOptions(days)));

    private async Task<Run> AddAsync(PipelineHost host, int created, int? ended)
    {
        var now = clock.GetUtcNow();
        var run = new Run
        {
            RunId = RunId.New(model, now.AddDays(created)),
            Model = model,
            State = ended is null ? RunState.Running : RunState.Succeeded,
            DefinitionId = $"{model}/0",
            Source = $"raw/{model}/a.csv",
            Trigger = "test",
            Created = now.AddDays(created),
            Ended = ended is { } days ? now.AddDays(days) : null,
        };
        await host.Get<RunStore>().CreateAsync(run, default);
        return run;
    }

    private ModelVersion Version(string runId) => new()
    {
        Model = model,
        RunId = runId,
        DefinitionId = $"{model}/0",
        Task = TaskKind.Regression,
        Candidate = "0-lightgbm",
        ModelBlobs = "models/x/y",
        Metrics = new Dictionary<string, double>(),
        Lineage = new ModelLineage("a", "b", "c", "d", "e"),
    };
}
