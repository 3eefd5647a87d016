using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Local.Tests.Engine;

[Collection(AzuriteFixture.Collection)]
public sealed class RetryTests(AzuriteFixture azurite)
{
    private readonly Probe probe = new();
    private readonly string model = AzuriteFixture.UniqueModel();

    [Fact]
    public async Task A_passing_fault_is_met_by_trying_again()
    {
        probe.Work = (_, call, _) => call < 3 ? throw new IOException("the disk coughed") : Task.CompletedTask;
        await using var host = await EngineHost.StartAsync(azurite, probe);

        var run = await host.EndOfAsync(await host.SubmitAsync(model));

        run.State.Should().Be(RunState.Succeeded);
        probe.Calls(model).Should().Be(3);
        (await host.StageAsync(run, model)).Should().Match<StageStatus>(stage => stage.State == StageState.Succeeded && stage.Attempts == 3);
    }

    [Fact]
    public async Task Wrong_input_is_not_tried_again()
    {
        probe.Work = (_, _, _) => throw new InputException("column 'fare' is missing: add it");
        await using var host = await EngineHost.StartAsync(azurite, probe);

        var run = await host.EndOfAsync(await host.SubmitAsync(model));

        run.State.Should().Be(RunState.Failed);
        run.Error.Should().Be("column 'fare' is missing: add it");
        probe.Calls(model).Should().Be(1);
    }

    [Fact]
    public async Task A_fault_that_does_not_pass_fails_the_run_after_the_last_attempt()
    {
        probe.Work = (_, _, _) => throw new TimeoutException("still nothing");
        await using var host = await EngineHost.StartAsync(azurite, probe);

        var run = await host.EndOfAsync(await host.SubmitAsync(model));

        run.State.Should().Be(RunState.Failed);
        run.Error.Should().StartWith("The storage account could not be reached");
        probe.Calls(model).Should().Be(EngineHost.Quick.Attempts);
    }

    [Fact]
    public async Task A_defect_in_a_stage_fails_its_run_and_no_other()
    {
        var other = AzuriteFixture.UniqueModel();
        probe.Work = (key, _, _) => key == model ? throw new InvalidOperationException("a defect") : Task.CompletedTask;
        await using var host = await EngineHost.StartAsync(azurite, probe);

        var broken = await host.EndOfAsync(await host.SubmitAsync(model));
        var good = await host.EndOfAsync(await host.SubmitAsync(other));

        broken.State.Should().Be(RunState.Failed);
        broken.Error.Should().StartWith("An unexpected fault");
        probe.Calls(model).Should().Be(1);
        good.State.Should().Be(RunState.Succeeded);
    }

    [Fact]
    public async Task A_defect_in_the_orchestration_itself_fails_the_run()
    {
        await using var host = await EngineHost.StartAsync(azurite, probe, _ => throw new InvalidOperationException("no such branch"));

        var run = await host.EndOfAsync(await host.SubmitAsync(model));

        run.State.Should().Be(RunState.Failed);
        run.Error.Should().Be("An unexpected fault, not of the data: the host's log says more. Retry the run; if it fails again, report it.");
    }

    [Fact]
    public async Task A_run_whose_definition_is_gone_fails_with_what_to_do()
    {
        await using var host = await EngineHost.StartAsync(azurite, probe);
        var lost = new Run
        {
            RunId = RunId.New(model, DateTimeOffset.UtcNow),
            Model = model,
            State = RunState.Queued,
            DefinitionId = model + "/0000000000000000",
            Source = "/nowhere.csv",
            Trigger = "cli",
            Created = DateTimeOffset.UtcNow,
        };
        await host.Runs.CreateAsync(lost, CancellationToken.None);

        var run = await host.EndOfAsync(lost);

        run.State.Should().Be(RunState.Failed);
        run.Error.Should().Contain("PUT the definition again");
    }
}
