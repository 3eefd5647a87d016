using Microsoft.ML;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tests.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Training;

[Collection(AzuriteFixture.Collection)]
public sealed class AddedTrainerTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_trainer_of_the_host_is_a_candidate_like_any_other()
    {
        var trainer = new Trainer(context => context.Ml.Transforms.NormalizeMeanVariance(context.Features).Append(
            context.Ml.Regression.Trainers.OnlineGradientDescent(context.Label, context.Features, numberOfIterations: context.Options.Whole("passes") ?? 1)))
        {
            Options = ["passes"],
        };
        await using var host = HostOf(trainer);
        var definition = Definition(new CandidateSpec { Trainer = "mine", Options = Told("passes", "20") }) with
        {
            Columns = new Dictionary<string, ColumnRule> { ["miles"] = new() { Required = false } },
        };
        var csv = Trips.Csv(1500, seed: 3).Replace(",1.5,", ",,", StringComparison.Ordinal);

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", csv));

        run.Run.Error.Should().BeNull();
        run.Run.State.Should().Be(RunState.Succeeded);
        run.Params.Should()
            .Contain("0-mine.trainer", "mine").And.Contain("0-mine.version", "1").And.Contain("0-mine.passes", "20").And.Contain("winner", "0-mine");
        run.Metrics.Should().ContainKeys("0-mine.rmse", "0-mine.train_seconds");
        run.Metrics["val_rmse"].Should().BeLessThan(1.5, "missing values are filled before it learns");
        run.Stages.Single(stage => stage.Stage == "explain").Warnings.Should().BeNull("its model is linear, and its preparation treats each slot by itself");
        trainer.Given.Should().AllSatisfy(given => (given.Task, given.Seed, given.Threads).Should().Be((TaskKind.Regression, 42, 1)));
    }

    [Fact]
    public async Task The_same_is_reused_and_another_version_or_option_trains_anew()
    {
        await using var first = HostOf(new Trainer(Ols) { Options = ["l2"] });
        await using var second = HostOf(new Trainer(Ols) { Options = ["l2"], Version = "2" });
        var csv = Trips.Csv(800, seed: 4);
        var definition = Definition(new CandidateSpec { Trainer = "mine" });

        var states = new List<StageState>();
        foreach (var (host, options) in new[] { (first, null), (first, null), (second, null), (second, Told("l2", "0.1")), (second, Told("l2", "0.1")) })
        {
            var run = await host.RunAsync(
                definition with { Candidates = [definition.Candidates[0] with { Options = options }] }, host.WriteFile("trips.csv", csv));
            states.Add(run.Stages.Single(stage => stage.Stage == "train").State);
        }

        states.Should().Equal(StageState.Succeeded, StageState.Reused, StageState.Succeeded, StageState.Succeeded, StageState.Reused);
    }

    public static TheoryData<string> Predictors => [.. Estimators.Keys];

    /// <summary>What the fast scorers and SHAP know by its type may mean something else here.</summary>
    [Theory]
    [MemberData(nameof(Predictors))]
    public async Task Predictions_of_any_model_are_MLNets_own_and_what_cannot_be_explained_exactly_is_permuted(string name)
    {
        await using var host = HostOf(new Trainer(Estimators[name].Create) { Version = name });
        var definition = Definition(new CandidateSpec { Trainer = "mine" });

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(1200, seed: 5)));

        run.Run.Error.Should().BeNull();
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        var datasets = host.Get<DatasetStore>();
        var validation = await datasets.OpenAsync(await datasets.GetAsync(version.Lineage.Validation, default), default);
        var stored = await StoredModel.LoadAsync(host.Get<ArtifactStore>(), version.ToFiles(), default);
        var table = await host.Get<FeatureTableCache>().GetAsync(validation, stored.Featurizer, default);
        var expected = Evaluation.PredictRowByRow(stored.Transformer, table, threads: 1);
        Evaluation.Predict(stored.Transformer, table, threads: 2).Should().Equal(expected.Select(value => (double)value));
        var scorer = new RowScorer(stored.Transformer, stored.Featurizer);
        Enumerable.Range(0, table.Rows).Select(row => scorer.Score(RowOf(table, row))).Should().Equal(expected);
        var warnings = run.Stages.Single(stage => stage.Stage == "explain").Warnings ?? [];
        warnings.Any(warning => warning.Text.Contains("permutation importance", StringComparison.Ordinal)).Should().Be(Estimators[name].IsPermuted);
    }

    [Fact]
    public async Task Binary_scores_without_a_probability_are_refused_with_what_to_append()
    {
        await using var host = HostOf(
            new Trainer(context => context.Ml.BinaryClassification.Trainers.AveragedPerceptron(context.Label, context.Features)) { Tasks = [TaskKind.Binary] });
        var definition = ModelExplainerTests.Definition(TaskKind.Binary, missing: false) with
        {
            Candidates = [new CandidateSpec { Trainer = "mine" }],
        };

        var run = () => host.RunAsync(definition, host.WriteFile("trips.csv", ModelExplainerTests.Csv(500, TaskKind.Binary, missing: false)));

        (await run.Should().ThrowAsync<InvalidOperationException>()).WithMessage(
            "The model of trainer 'mine' has no column Probability of floats. Append a calibrator, such as BinaryClassification.Calibrators.Platt.");
    }

    [Fact]
    public async Task A_wrong_option_or_a_task_that_it_cannot_do_ends_the_run_with_a_sentence()
    {
        await using var host = HostOf(new Trainer(Ols) { Options = ["l2"] });

        var wrong = await host.RunAsync(
            Definition(new CandidateSpec { Trainer = "mine", Options = Told("l2", "much") }), host.WriteFile("trips.csv", Trips.Csv(400, seed: 6)));
        var binary = await host.RunAsync(
            ModelExplainerTests.Definition(TaskKind.Binary, missing: false) with { Task = null, Candidates = [new CandidateSpec { Trainer = "mine" }] },
            host.WriteFile("binary.csv", ModelExplainerTests.Csv(400, TaskKind.Binary, missing: false)));

        wrong.Run.Error.Should().Be("The option 'l2' is 'much'; it must be a number.");
        binary.Run.Error.Should().Be("The trainer 'mine' cannot do the task binary, which the target asks for.");
    }

    [Fact]
    public void What_names_a_stored_model_is_written_as_it_always_was()
    {
        var featurizer = new Featurizer(new TargetColumn("y", TaskKind.Regression), 0.5, [], []);
        var builtIn = new ModelIdentity("t", "v", new CandidateSpec { Trainer = TrainerNames.LightGbm }, featurizer, 42, TrainerVersion: null);
        var own = builtIn with { Spec = new CandidateSpec { Trainer = "mine", Options = Told("l2", "1") }, TrainerVersion = "3" };

        builtIn.Text.Should().Be(
            """{"format":1,"train":"t","validation":"v","spec":"""
            + """{"trainer":"lightGbm","trees":100,"leaves":31,"rate":0.1,"minRowsPerLeaf":20,"earlyStopping":20},"featurizer":"""
            + """{"target":{"name":"y","task":"regression"},"threshold":0.5,"inputs":[],"derived":[],"format":1},"seed":42}""");
        own.Text.Should().Contain("\"trainer\":\"mine\"").And.Contain("\"options\":{\"l2\":\"1\"}").And.EndWith("\"trainerVersion\":\"3\"}");
        (builtIn with { Folds = 5 }).Text.Should().EndWith("\"seed\":42,\"folds\":5}");
    }

    private static readonly Dictionary<string, (Func<TrainerContext, IEstimator<ITransformer>> Create, bool IsPermuted)> Estimators = new()
    {
        ["trees whose sum is an exponent"] = (context => context.Ml.Regression.Trainers.FastTreeTweedie(context.Label, context.Features), true),
        ["linear, with an exponent"] = (context => context.Ml.Regression.Trainers.LbfgsPoissonRegression(context.Label, context.Features), true),
        ["curves"] = (context => context.Ml.Regression.Trainers.Gam(context.Label, context.Features, numberOfIterations: 100), true),
        ["trees"] = (context => context.Ml.Regression.Trainers.FastForest(context.Label, context.Features, numberOfTrees: 5), false),
        ["trees on mixed features"] = (context => context.Ml.Transforms.ProjectToPrincipalComponents(context.Features, rank: 3)
            .Append(context.Ml.Regression.Trainers.FastTree(context.Label, context.Features, numberOfTrees: 5)), true),
        ["linear on another column"] = (context => context.Ml.Transforms.NormalizeMeanVariance("Scaled", context.Features)
            .Append(context.Ml.Regression.Trainers.OnlineGradientDescent(context.Label, "Scaled", numberOfIterations: 5)), true),
    };

    private PipelineHost HostOf(ITrainer trainer) => new(azurite, services => services.AddMlOps(add => add.AddTrainer(trainer)));

    private static PipelineDefinition Definition(CandidateSpec candidate) => Trips.Definition() with { Candidates = [candidate] };

    private static ExtensionOptions Told(string name, string value) => new(new Dictionary<string, string> { [name] = value });

    private static IEstimator<ITransformer> Ols(TrainerContext context) => context.Ml.Transforms.NormalizeMeanVariance(context.Features).Append(
        context.Ml.Regression.Trainers.OnlineGradientDescent(
            context.Label, context.Features, l2Regularization: (float)(context.Options.Number("l2") ?? 0), numberOfIterations: 3));

    private static FeatureRow RowOf(FeatureTable table, int row) =>
        new([.. table.Numbers.Select(column => column[row])], [.. table.Codes.Select(column => column[row])]);

    private sealed class Trainer(Func<TrainerContext, IEstimator<ITransformer>> create) : ITrainer
    {
        public List<TrainerContext> Given { get; } = [];

        public string Name => "mine";

        public string Version { get; init; } = "1";

        public IReadOnlyCollection<TaskKind> Tasks { get; init; } = [TaskKind.Regression];

        public IReadOnlyCollection<string> Options { get; init; } = [];

        public IEstimator<ITransformer> Create(TrainerContext context)
        {
            Given.Add(context);
            return create(context);
        }
    }
}
