using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Train;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class TrainingBudgetTests(AzuriteFixture azurite)
{
    private static readonly CandidateSpec Thousand = new() { Trainer = TrainerNames.LightGbm, Trees = 1000 };

    [Theory]
    [InlineData(null, 1000, null)]
    [InlineData(100.0, 1000, 1032.0)]
    [InlineData(10.0, 568, 600.0)]
    [InlineData(0.1, 1, 33.0)]
    public void As_many_trees_are_trained_as_there_is_time_for(double? minutes, int trees, double? seconds)
    {
        var plan = TrainingBudget.Plan(Thousand with { MaxMinutes = minutes }, spec => TimeSpan.FromSeconds(4 + spec.Trees));

        (plan.Spec.Trees, plan.Lasts?.TotalSeconds).Should().Be((trees, seconds), "4 seconds go before the first tree, then one a tree, and 28 for measuring");
    }

    [Theory]
    [InlineData(null, 45.0, 1e9, 45.0)]
    [InlineData(90.0, 45.0, 1e9, 45.0)]
    [InlineData(10.0, 45.0, 1e9, 10.0)]
    [InlineData(90.0, null, 1e9, 90.0)]
    [InlineData(null, 45.0, 1e7, null)]
    [InlineData(90.0, 45.0, 1e7, 90.0)]
    public void A_long_training_keeps_to_the_hosts_minutes_and_a_short_one_is_not_measured(double? declared, double? host, double cells, double? minutes) =>
        TrainingBudget.MinutesOf(Thousand with { MaxMinutes = declared }, host, cells).Should().Be(minutes);

    [Fact]
    public void Linear_models_do_not_keep_to_the_hosts_minutes() =>
        TrainingBudget.MinutesOf(new CandidateSpec { Trainer = TrainerNames.Sdca, MaxMinutes = 90 }, 45, 1e12).Should().Be(90);

    [Fact]
    public void Linear_models_have_no_trees_to_leave_out()
    {
        var linear = new CandidateSpec { Trainer = TrainerNames.Sdca, MaxMinutes = 0.001 };

        TrainingBudget.Plan(linear, _ => throw new InvalidOperationException("nothing is to be measured")).Should().Be(new TrainingPlan(linear));
    }

    [Fact]
    public async Task A_run_says_how_many_trees_it_had_time_for()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with
        {
            Candidates =
        [
            new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 100_000, EarlyStopping = 0, MaxMinutes = 0.01 }
        ]
        };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(600)));

        run.Run.Error.Should().BeNull();
        run.Metrics["0-lightgbm.trees_in_budget"].Should().BeInRange(1, 50_000);
    }

    [Fact]
    public async Task A_model_that_one_host_has_cut_short_is_not_taken_for_that_of_a_host_with_more_time()
    {
        var definition = Trips.Definition() with
        {
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 100_000, EarlyStopping = 0 }],
            Split = new SplitRules { Seed = Random.Shared.Next(), Test = 0 },
        };

        (await TrainedAsync(definition, minutes: 0.01)).Should().Be(StageState.Succeeded);
        (await TrainedAsync(definition, minutes: 0.02)).Should().Be(StageState.Succeeded);
    }

    /// <summary>Enough rows for a training that a host limits.</summary>
    private static string Long { get; } = Trips.Csv(220_000);

    private async Task<StageState> TrainedAsync(PipelineDefinition definition, double minutes)
    {
        await using var host = new PipelineHost(azurite, services => services.ChangeOptions(options => options with { MostTrainingMinutes = minutes }));
        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Long));
        return run.Stages.Single(stage => stage.Stage == "train").State;
    }
}
