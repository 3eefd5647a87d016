using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Testing.Scenarios;

/// <summary>A table whose host ends when one of its parts is scored and another is not, on an engine whose storage outlives its hosts.</summary>
public static class KilledScore
{
    public static async Task GoesOnAsync(AzuriteFixture azurite, Func<Action<IServiceCollection>, Task<EngineUnderTest>> start)
    {
        Action<IServiceCollection> smallParts = services => services.ChangeOptions(options => options with { RowsPerPart = 100 });
        var hold = new HoldOnce((method, path) => method == "PUT" && path.EndsWith("/part-1.json", StringComparison.Ordinal));
        var definition = Trips.Definition() with { Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 5 }] };
        await using var killed = await start(services =>
        {
            smallParts(services);
            services.AddSingleton(hold.Storage(azurite));
        });
        await killed.EndOfAsync(await killed.SubmitAsync(definition, Trips.Csv(90)));
        var blob = $"{definition.Model}-to-score/trips.csv";
        await killed.Host.Storage.Raw.GetBlobClient(blob).UploadAsync(BinaryData.FromString(Trips.Csv(200, seed: 3)));
        using var spans = new RunSpans();
        var run = await killed.Host.Get<ScoreStarter>().StartAsync(definition.Model, new ScoreWish("raw/" + blob), "test", CancellationToken.None);
        await hold.Held;
        await killed.UntilAsync(run, now => now.Stages.Any(stage => stage is { Stage: "score-part", Key: "0", State: StageState.Succeeded }));
        var stopping = killed.StopAsync();
        hold.LetGo();
        await stopping;

        await using var next = await start(smallParts);
        var ended = await next.EndOfAsync(run);

        ended.Run.State.Should().Be(RunState.Succeeded, ended.Run.Error);
        // Both hosts' spans: the second part is written by the one that goes or by the one that comes.
        var all = await spans.OfAsync(run.RunId, "stage score-part", "stage score", "stage finish");
        var parent = all.Single(span => span.OperationName == "start run");
        all.Where(span => span != parent).Should().OnlyContain(span => span.TraceId == parent.TraceId && span.ParentSpanId == parent.SpanId);
        ended.Stages.Single(stage => stage is { Stage: "score-part", Key: "0" }).Attempts.Should().Be(1, "what is scored is not scored again");
        (await next.Host.Get<DatasetStore>().GetAsync(ended.Run.Dataset!, CancellationToken.None)).Should()
            .BeEquivalentTo(new { Stage = "score", Rows = 200 });
    }
}
