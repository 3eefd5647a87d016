using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Canary;
using MlOps.Pipeline.Tracking;

namespace MlOps.Testing.Scenarios;

/// <summary>A canary whose host ends within a step, on an engine whose storage outlives its hosts.</summary>
public static class KilledCanary
{
    public static async Task GoesOnAsync(Func<Action<IServiceCollection>, Task<EngineUnderTest>> start)
    {
        Action<IServiceCollection> know = services => services.AddSingleton<ITrafficEvidence>(new FakeEvidence());
        var definition = Trips.Definition() with { Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 5 }] };
        await using var killed = await start(know);
        await killed.EndOfAsync(await killed.SubmitAsync(definition, Trips.Csv(300)));
        await killed.EndOfAsync(await killed.SubmitAsync(definition with { Gates = new GateRules { AtMost = 0.0001 } }, Trips.Csv(300)));
        var run = await killed.Host.Get<CanaryStarter>().StartAsync(
            definition.Model, version: 2, new CanaryWish([10, 50], TimeSpan.FromSeconds(5)), "test", CancellationToken.None);
        await killed.UntilAsync(run, now => now.Run.State == RunState.Waiting);
        await killed.StopAsync();
        var left = await killed.Host.Get<ModelRegistry>().FindAsync(definition.Model, CancellationToken.None);

        await using var next = await start(know);
        var ended = await next.EndOfAsync(run);

        left!.Traffic!.ToString().Should().Be("90 % version 1, 10 % version 2");
        ended.Run.State.Should().Be(RunState.Succeeded, ended.Run.Error);
        ended.Stages.Should().OnlyContain(stage => stage.Attempts == 1);
        var model = await next.Host.Get<ModelRegistry>().FindAsync(definition.Model, CancellationToken.None);
        model.Should().BeEquivalentTo(new { Production = 2, Traffic = default(TrafficSplit) });
    }
}
