using System.Globalization;
using System.IO.Compression;
using System.Text;
using Microsoft.ML;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Cases;

/// <summary>Ordinary tables that trainers stumble over, and files that only look whole.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class TrainingTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly string model = AzuriteFixture.UniqueModel();
    private PipelineHost host = null!;

    public Task InitializeAsync()
    {
        host = new PipelineHost(azurite);
        return Task.CompletedTask;
    }

    public Task DisposeAsync() => host.DisposeAsync().AsTask();

    [Fact]
    public async Task A_linear_table_does_not_make_sdca_run_away()
    {
        var csv = "i,m,y\n" + string.Concat(Enumerable.Range(0, 300).Select(i => $"{i},{i % 7},{(2 * i) + (i % 3)}\n"));
        var definition = new PipelineDefinition { Model = model, Target = "y", Candidates = [new CandidateSpec { Trainer = TrainerNames.Sdca }] };

        var run = await host.RunAsync(definition, host.WriteFile("linear.csv", csv));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        run.Metrics["val_r2"].Should().BeGreaterThan(0.99);
    }

    [Fact]
    public async Task Sdca_learns_a_linear_table_from_all_rows_as_from_those_of_a_fold()
    {
        var random = new Random(3);
        var csv = new StringBuilder("seconds,shift,y\n");
        for (var i = 0; i < 400; i++)
        {
            var (seconds, shift) = (random.Next(60, 5000), random.Next(3));
            csv.Append(CultureInfo.InvariantCulture, $"{seconds},{"abc"[shift]},{(3 * seconds) + (500 * shift) + random.Next(-2, 3)}\n");
        }
        var definition = new PipelineDefinition { Model = model, Target = "y", Candidates = [new CandidateSpec { Trainer = TrainerNames.Sdca }] };

        var run = await host.RunAsync(definition, host.WriteFile("shifts.csv", csv.ToString()));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        (run.Metrics["val_rmse"] / run.Metrics["0-sdca.oof_rmse"]).Should().BeInRange(0.8, 1.25);
        run.Metrics["val_interval_coverage"].Should().BeInRange(0.8, 1);
    }

    [Fact]
    public async Task A_target_that_single_precision_cannot_hold_is_learnt_to_the_unit()
    {
        var definition = await host.Get<DefinitionInference>().InferAsync(
            new PipelineDefinition { Model = model, Target = "closes_at" }, CaseFiles.Path("11-large-target.csv"), CancellationToken.None);

        var run = await host.RunAsync(definition, CaseFiles.Path("11-large-target.csv"));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        // Targets lie within some 1,100; single precision would round them to the next 128.
        run.Metrics["val_rmse"].Should().BeLessThan(40);
    }

    [Fact]
    public async Task One_candidate_that_fails_does_not_fail_the_run()
    {
        await using var other = new PipelineHost(azurite, services => services.AddMlOps(add => add.AddTrainer(new Broken())));
        var csv = "a,b,y\n" + string.Concat(Enumerable.Range(0, 300).Select(i => $"{i % 17},{i % 11},{(i % 17) + (i % 11)}\n"));
        var candidates = new[] { new CandidateSpec { Trainer = "broken" }, new CandidateSpec { Trainer = TrainerNames.LightGbm } };
        var definition = new PipelineDefinition { Model = model, Target = "y", Train = new TrainRules { Folds = 0 }, Candidates = candidates };

        var run = await other.RunAsync(definition, other.WriteFile("rows.csv", csv));
        var none = await other.RunAsync(definition with { Candidates = [candidates[0]] }, other.WriteFile("rows.csv", csv));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        run.Params["winner"].Should().Be("1-lightgbm");
        run.Stages.Single(stage => stage.Key == "0-broken").Error.Should().Be("This trainer learns nothing.");
        run.Stages.Single(stage => stage.Stage == "validate").Warnings!.Should().ContainSingle(
            warning => warning.Headline && warning.Text == "Candidate 0-broken: This trainer learns nothing.");
        var card = (await other.Get<ArtifactStore>().ReadAsync($"{run.Run.RunId}/model-card.md", default)).ToString();
        card.Should().Contain("- **Candidate 0-broken: This trainer learns nothing.**").And.Contain("1-lightgbm (this version)");
        (await other.Get<ArtifactStore>().ReadAsync($"{run.Run.RunId}/model-card.html", default)).ToString().Should()
            .Contain("Candidate 0-broken: This trainer learns nothing.");
        none.Run.State.Should().Be(RunState.Failed);
        none.Run.Error.Should().Be("This trainer learns nothing.");
    }

    [Fact]
    public async Task A_score_that_is_no_number_ends_the_candidate_with_the_row_named()
    {
        await using var other = new PipelineHost(azurite, services => services.AddMlOps(add => add.AddTrainer(new ExponentialTrainer())));
        // The latest row, which validates, is far out: an exponent of it is beyond any number.
        var csv = "day,x,y\n" + string.Concat(Enumerable.Range(0, 300).Select(i => string.Create(
            CultureInfo.InvariantCulture, $"{new DateTime(2026, 1, 1).AddDays(i):yyyy-MM-dd},{(i == 299 ? 1e9 : i % 17)},{Math.Exp(i % 17 / 8.0):0.000}\n")));
        var definition = new PipelineDefinition
        {
            Model = model,
            Target = "y",
            Train = new TrainRules { Folds = 0 },
            Split = new SplitRules { Time = "day" },
            Candidates = [new CandidateSpec { Trainer = "exponential" }, new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 5 }],
        };

        var run = await other.RunAsync(definition, other.WriteFile("far.csv", csv));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        var rows = run.Stages.Single(stage => stage.Stage == "validate").Rows;
        var told = $"The model's prediction of row {rows} of {rows} is Infinity, so nothing can be measured (";
        run.Stages.Single(stage => stage.Key == "0-exponential").Error.Should().StartWith(told).And.Contain("x = 1E+09");
        run.Params["winner"].Should().Be("1-lightgbm");
    }

    [Fact]
    public async Task Fasttree_stops_early_by_its_loss()
    {
        var definition = DefinitionJson.Read(await File.ReadAllTextAsync(CaseFiles.Path("60-fasttree.json"))) with { Model = model };

        var run = await host.RunAsync(definition, CaseFiles.Path("05-space-after-comma.csv"));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        run.Metrics["val_log_loss"].Should().BeLessThan(0.3);
        await Skew.CheckAsync(host, run, CaseFiles.Path("05-space-after-comma.csv"));
    }

    [Theory]
    [InlineData("60-fastforest.json", 0.45)]
    [InlineData("60-ff.json", 0.45)]
    [InlineData("60-lightgbm.json", 0.3)]
    [InlineData("60-sdca.json", 0.45)]
    public async Task Each_trainer_predicts_two_classes_as_it_was_measured(string declared, double most)
    {
        var definition = DefinitionJson.Read(await File.ReadAllTextAsync(CaseFiles.Path(declared))) with { Model = model };

        var run = await host.RunAsync(definition with { Train = new TrainRules { Folds = 0 } }, CaseFiles.Path("05-space-after-comma.csv"));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        run.Metrics["val_log_loss"].Should().BeLessThan(most);
        await Skew.CheckAsync(host, run, CaseFiles.Path("05-space-after-comma.csv"));
    }

    [Fact]
    public async Task A_split_by_time_cuts_between_two_times()
    {
        var definition = DefinitionJson.Read(await File.ReadAllTextAsync(CaseFiles.Path("44.json"))) with { Model = model };

        var run = await host.RunAsync(definition, CaseFiles.Path("44-time-ties.csv"));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        run.Stages.Single(stage => stage.Stage == "train").Rows.Should().BeInRange(1, 1000);
        await Skew.CheckAsync(host, run, CaseFiles.Path("44-time-ties.csv"));
    }

    [Fact]
    public async Task Rare_reasons_that_leave_out_many_rows_together_are_told_first()
    {
        var rows = Enumerable.Range(0, 1000)
            .Select(i => $"{(i % 125 == 0 ? "" : i % 17)},{(i % 125 == 60 ? "" : i % 11)},{(i % 250 == 30 ? "" : i % 7)},{(i * 31) % 97}\n");
        var definition = new PipelineDefinition
        {
            Model = model,
            Target = "y",
            Train = new TrainRules { Folds = 0 },
            Cleaning = new CleaningRules { Duplicates = Duplicates.Keep },
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 5 }],
        };

        var run = await host.RunAsync(definition, host.WriteFile("rare.csv", "a,b,c,y\n" + string.Concat(rows)));

        run.Stages.Single(stage => stage.Stage == "clean").Warnings!.Where(warning => warning.Headline).Select(warning => (warning.Text, warning.Count))
            .Should().Equal(("20 of 1,000 rows were left out for 3 reasons, each of few rows; the most frequent (8): null: a (the first is line 2).", 20));
    }

    [Fact]
    public async Task Rows_whose_loss_depends_on_the_target_are_told_first()
    {
        var rows = Enumerable.Range(0, 1000).Select(i => $"{i % 17},{(i % 10 == 0 ? "" : i % 11)},{(i % 10 == 0 ? 100 : 0) + (i % 17)}\n");
        var csv = "a,b,y\n" + string.Concat(rows);

        var definition = new PipelineDefinition
        {
            Model = model,
            Target = "y",
            Train = new TrainRules { Folds = 0 },
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 5 }],
        };
        var run = await host.RunAsync(definition, host.WriteFile("loss.csv", csv));

        run.Stages.Single(stage => stage.Stage == "clean").Warnings.Should().Contain(
            warning => warning.Headline && warning.Text.Contains("have another target than those that stayed", StringComparison.Ordinal)
                && warning.Code == WarningCodes.TargetLoss && warning.Column == "y" && warning.Count == 100 && warning.Line == 2 && warning.Example == "100.0");
    }

    [Fact]
    public async Task A_gzip_file_that_was_cut_off_is_refused_and_one_of_several_members_is_read()
    {
        await using var bench = new StageBench(azurite);
        var definition = new PipelineDefinition { Model = "gzip", Target = "y" };
        var first = Packed("a,y\n" + string.Concat(Enumerable.Range(0, 2000).Select(i => $"{i % 17},{i}\n")));
        var second = Packed(string.Concat(Enumerable.Range(0, 100).Select(i => $"{i},{i}\n")));
        async Task<long> RowsOfAsync(params byte[] bytes)
        {
            var path = Path.Combine(bench.Host.WorkFolder, $"{Guid.NewGuid():N}.csv.gz");
            await File.WriteAllBytesAsync(path, bytes);
            return (await bench.IngestAsync(definition, path)).Raw.Rows;
        }

        (await RowsOfAsync([.. first, .. second])).Should().Be(2100);
        (await RowsOfAsync([.. first, 0, 0, 0, 0])).Should().Be(2000);
        foreach (var length in new[] { first.Length - 1, first.Length - 9, first.Length / 2 })
        {
            (await ((Func<Task>)(() => RowsOfAsync(first[..length]))).Should().ThrowAsync<InputException>()).WithMessage("*damaged gzip*");
        }
        await ((Func<Task>)(() => RowsOfAsync([.. first, .. second[..^3]]))).Should().ThrowAsync<InputException>();
        // Whole, but another sum or length than its content has.
        (byte[] Bytes, string Part)[] wrong =
            [(Changed(first, ^8), "content"), (Changed(first, ^2), "content"), ([.. first, .. Changed(second, ^7)], "member 2")];
        foreach (var (bytes, part) in wrong)
        {
            (await ((Func<Task>)(() => RowsOfAsync(bytes))).Should().ThrowAsync<InputException>())
                .WithMessage($"*damaged gzip*the check sum of its {part} is wrong*");
        }

        static byte[] Changed(byte[] bytes, Index place)
        {
            byte[] changed = [.. bytes];
            changed[place] ^= 0x10;
            return changed;
        }
    }

    private static byte[] Packed(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(Encoding.UTF8.GetBytes(text));
        }
        return packed.ToArray();
    }

    private sealed class Broken : ITrainer
    {
        public string Name => "broken";

        public IReadOnlyCollection<TaskKind> Tasks => [TaskKind.Regression];

        public IEstimator<ITransformer> Create(TrainerContext context) => throw new InputException("This trainer learns nothing.");
    }
}
