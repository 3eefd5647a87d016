using Azure.Data.Tables;
using Microsoft.ML;
using MlOps.Pipeline;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Durable;

/// <summary>One instance of the app, as <c>host.json</c> sets it up, on a storage of its own: permits are all runs' of a storage.</summary>
public sealed class TrainingTurnsTests : IAsyncLifetime
{
    private readonly AzuriteFixture azurite = new();

    public Task InitializeAsync() => azurite.InitializeAsync();

    public Task DisposeAsync() => azurite.DisposeAsync();

    [Fact]
    public async Task An_ingest_only_run_does_not_wait_for_the_trainings_of_others()
    {
        using var trainer = new HeldTrainer();
        await using var host = await StartAsync(trainer);
        var training = new List<Run>();
        for (var i = 0; i < 4; i++)
        {
            training.Add(await host.SubmitAsync(Held(trainer), Trips.Csv(300, seed: i)));
        }
        await Eventually.IsTrueAsync(() => Task.FromResult(trainer.Begun == Permits), () => $"{trainer.Begun} trainings have begun", TimeSpan.FromMinutes(1));

        var ingested = await host.EndOfAsync(await host.SubmitAsync(Trips.Definition(), Trips.Csv(200), "file", RunGoal.Dataset));

        ingested.Run.State.Should().Be(RunState.Succeeded, ingested.Run.Error);
        trainer.Begun.Should().Be(Permits, "the third place of the instance is kept free of trainings");
        trainer.Release();
        foreach (var run in training)
        {
            (await host.EndOfAsync(run)).Run.State.Should().Be(RunState.Succeeded);
        }
    }

    /// <summary>Trainings that break off give nothing back themselves: their permits would be missing to their own run.</summary>
    [Fact]
    public async Task A_run_whose_trainings_break_off_for_good_trains_its_other_candidates()
    {
        using var trainer = new HeldTrainer();
        trainer.Release();
        await using var host = await StartAsync(trainer);
        var definition = Held(trainer) with
        {
            Candidates =
            [
                .. Enumerable.Range(0, Permits).Select(i => new CandidateSpec { Trainer = $"broken-{i}" }),
                .. Enumerable.Range(1, Permits + 1).Select(trees => new CandidateSpec { Trainer = TrainerNames.FastTree, Trees = trees }),
                new CandidateSpec { Trainer = trainer.Name },
            ],
        };

        var ended = await host.EndOfAsync(await host.SubmitAsync(definition, Trips.Csv(300)));

        ended.Run.State.Should().Be(RunState.Succeeded, ended.Run.Error);
        var trainings = ended.Stages.Where(stage => stage.Stage == "train").ToList();
        trainings.Should().HaveCount(definition.Candidates.Count);
        trainings.Where(stage => stage.State == StageState.Failed).Should().HaveCount(Permits)
            .And.OnlyContain(stage => stage.Attempts == StageRetry.Default.Attempts);
    }

    /// <summary>A run may wait for days for a person, and others train meanwhile.</summary>
    [Fact]
    public async Task A_run_that_waits_for_approval_holds_no_permit_also_where_a_training_broke_off()
    {
        using var trainer = new HeldTrainer();
        await using var host = await StartAsync(trainer);
        var run = await host.SubmitAsync(
            Trips.Definition() with
            {
                Candidates = [new CandidateSpec { Trainer = TrainerNames.FastTree, Trees = 5 }, new CandidateSpec { Trainer = "broken-0" }],
                Gates = new GateRules { Approval = new ApprovalRule(true, TimeSpan.FromHours(1)) },
            },
            Trips.Csv(300));

        await host.UntilAsync(run, now => now.Run.State == RunState.Waiting);

        host.Host.Storage.Marks.Query<TableEntity>(row => row.PartitionKey == MarkKinds.Training).Should().BeEmpty();
        await host.Engine.CancelAsync(run.RunId, "seen", CancellationToken.None);
    }

    private static int Permits { get; } = new PipelineOptions { WorkFolder = "" }.MostTrainingsTogether;

    private async Task<DurableHost> StartAsync(HeldTrainer trainer) => await DurableHost.StartAsync(
        azurite,
        await Backends.AzureStorageAsync(azurite.ConnectionString, activities: HostFile.MostActivities),
        services => services
            .AddMlOps(add =>
            {
                for (var i = 0; i < Permits; i++)
                {
                    add.AddTrainer(new UnreachableTrainer($"broken-{i}"));
                }
                add.AddTrainer(trainer);
            })
            .ChangeOptions(options => options with { MostTrainings = 8, MostTrainingsTogether = Permits }));

    private static PipelineDefinition Held(HeldTrainer trainer) => Trips.Definition() with { Candidates = [new CandidateSpec { Trainer = trainer.Name }] };

    /// <summary>Trains when it is let.</summary>
    private sealed class HeldTrainer : ITrainer, IDisposable
    {
        private readonly ManualResetEventSlim let = new();
        private int begun;

        public int Begun => Volatile.Read(ref begun);

        public string Name => "held";

        public IReadOnlyCollection<TaskKind> Tasks => [TaskKind.Regression];

        public IEstimator<ITransformer> Create(TrainerContext context)
        {
            Interlocked.Increment(ref begun);
            let.Wait(TimeSpan.FromMinutes(5));
            return context.Ml.Regression.Trainers.FastTree(context.Label, context.Features, numberOfTrees: 1, numberOfLeaves: 2);
        }

        public void Release() => let.Set();

        /// <summary>Lets it go. What it waits by is left to it.</summary>
        public void Dispose() => let.Set();
    }

    /// <summary>What it needs does not answer, which may pass by itself.</summary>
    private sealed class UnreachableTrainer(string name) : ITrainer
    {
        public string Name => name;

        public IReadOnlyCollection<TaskKind> Tasks => [TaskKind.Regression];

        public IEstimator<ITransformer> Create(TrainerContext context) => throw new TimeoutException("There is no answer.");
    }
}
