using Microsoft.Extensions.DependencyInjection;
using MlOps.Local.Engine;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Local.Tests.Faults;

/// <summary>A clock that is set back by an hour.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class ClockTests(AzuriteFixture azurite)
{
    private readonly PipelineDefinition definition = Trips.Definition();
    private readonly SetClock clock = new();

    [Fact]
    public async Task A_run_in_which_the_clock_is_set_back_ends_well_and_so_does_the_next_one()
    {
        await using var host = Host();
        await host.Get<EmbeddedEngine>().StartAsync(CancellationToken.None);
        var before = await SubmitAsync(host);
        await Eventually.IsTrueAsync(async () => (await DetailsAsync(host, before)).Stages.Count > 2);

        clock.Offset = TimeSpan.FromHours(-1);
        await AssertEndAsync(host, before, await SubmitAsync(host));
    }

    [Fact]
    public async Task A_host_that_starts_an_hour_before_the_last_one_ended_takes_up_what_that_left_and_new_runs_too()
    {
        Run left;
        await using (var earlier = Host())
        {
            left = await SubmitAsync(earlier);
        }
        clock.Offset = TimeSpan.FromHours(-1);
        await using var host = Host();
        await host.Get<EmbeddedEngine>().StartAsync(CancellationToken.None);

        await AssertEndAsync(host, left, await SubmitAsync(host));
    }

    private static async Task AssertEndAsync(PipelineHost host, params Run[] runs)
    {
        foreach (var run in runs)
        {
            var ended = await DetailsAsync(host, run);
            await Eventually.IsTrueAsync(
                async () => (ended = await DetailsAsync(host, run)).Run.HasEnded, () => $"{ended.Run}", TimeSpan.FromSeconds(90));
        }
        await host.Get<EmbeddedEngine>().StopAsync(CancellationToken.None);
        foreach (var run in runs)
        {
            var ended = await DetailsAsync(host, run);
            ended.Run.State.Should().BeOneOf([RunState.Succeeded, RunState.Blocked], ended.Run.Error);
            ended.Run.Version.Should().NotBeNull();
            ended.Stages.Should().OnlyContain(stage => stage.Seconds >= 0);
        }
    }

    private PipelineHost Host() => new(azurite, services => services
        .AddEmbeddedEngine()
        .AddSingleton<TimeProvider>(clock)
        .AddSingleton(new EngineOptions { PollInterval = TimeSpan.FromMilliseconds(200) }));

    private async Task<Run> SubmitAsync(PipelineHost host)
    {
        await host.Get<DefinitionStore>().PutAsync(definition, CancellationToken.None);
        var blob = $"{definition.Model}/{Guid.NewGuid():N}.csv";
        await host.Storage.Raw.GetBlobClient(blob).UploadAsync(BinaryData.FromString(Trips.Csv(600)));
        return await host.Get<RunStarter>().StartAsync(definition.Model, "raw/" + blob, "http", CancellationToken.None);
    }

    private static async Task<RunDetails> DetailsAsync(PipelineHost host, Run run) =>
        (await host.Get<RunStore>().FindDetailsAsync(run.RunId, CancellationToken.None))!;

    private sealed class SetClock : TimeProvider
    {
        public TimeSpan Offset { get; set; }

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow + Offset;
    }
}
