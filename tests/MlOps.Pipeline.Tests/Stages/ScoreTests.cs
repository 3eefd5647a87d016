using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages;
using MlOps.Pipeline.Stages.Score;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

/// <summary>
/// Whole tables scored as runs. That each row gets the numbers which a caller gets is compared for many files beside what is compared of those anyway: see
/// <see cref="Cases.Skew"/>.
/// </summary>
[Collection(AzuriteFixture.Collection)]
public sealed class ScoreTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const int RowsPerPart = 200;

    /// <summary>The columns that the model reads, in another order, with some that it does not, and no target.</summary>
    private const string Header = "note,miles,seconds,vendor,passengers,payment";

    private readonly PipelineDefinition definition = Trips.Definition() with
    {
        Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 5 }],
    };

    private PipelineHost host = null!;

    public async Task InitializeAsync()
    {
        host = new PipelineHost(azurite, services => services.ChangeOptions(options => options with { RowsPerPart = RowsPerPart }));
        (await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(300, seed: 5)))).Run.Promoted.Should().BeTrue();
    }

    public async Task DisposeAsync() => await host.DisposeAsync();

    [Fact]
    public async Task Of_a_row_that_a_caller_would_be_refused_for_nothing_is_predicted_and_the_table_says_why()
    {
        var run = await ScoreAsync(
            $"{Header}\nfine,1.5,300,CMT,1,CRD\nnew vendor,1.5,300,NEW,1,CRD\nno time,1.5,,CMT,1,CRD\na word,many,300,CMT,1,CRD\nfine too,2.5,500,CMT,2,CSH\n");

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        (run.Run.Goal, run.Run.Version, run.Run.Promoted).Should().Be((RunGoal.Score, 1, false));
        run.Alerts.Should().BeEmpty();
        run.Stages.OrderBy(stage => stage.Started).Select(stage => $"{stage.Stage} {stage.Key} {stage.Rows}").Should()
            .Equal("ingest  5", "score-part 0 5", "score  5", "finish  ");
        run.Metrics.Should().Contain("rows_scored", 5).And.Contain("rows_with_problem", 2);
        var told = run.Stages.Single(stage => stage.Stage == "score").Warnings!.Single();
        told.Text.Should().Be($"Nothing is predicted of 2 of 5 rows; column 'problem' says why (the first is line 4: {told.Example}).");
        (told.Code, told.Count, told.Line).Should().Be((WarningCodes.NotPredicted, 2, 4));
        told.Example.Should().Contain("'seconds'");
        var scored = await TableAsync(run);
        scored.Manifest.Columns.Select(column => column.Name).Should()
            .Equal("note", "miles", "seconds", "vendor", "passengers", "payment", "prediction", "problem");
        var rows = Rows(scored, "note", "miles", "prediction IS NULL", "problem");
        rows[0].Should().Equal("fine", 1.5, false, null);
        rows[1].Should().Equal("new vendor", 1.5, false, null);
        rows[2].Should().Equal("no time", 1.5, true, "feature 'seconds' is null, and the model has no value to fill it with.");
        rows[3].Should().Equal("a word", null, true, "feature 'miles' cannot be read as a number.");
        rows[4].Should().Equal("fine too", 2.5, false, null);
    }

    /// <summary>Only the first cell of a row that cannot be read is named: what is behind it may be missing, or not.</summary>
    [Fact]
    public async Task A_missing_cell_behind_one_that_cannot_be_read_is_not_filled()
    {
        var filled = definition with
        {
            Model = AzuriteFixture.UniqueModel(),
            Columns = new Dictionary<string, ColumnRule> { ["seconds"] = new() { Impute = new ImputeRule(ImputeStrategy.Median) } },
        };
        (await host.RunAsync(filled, Path.Combine(host.WorkFolder, "trips.csv"))).Run.Promoted.Should().BeTrue();

        var run = await ScoreAsync(
            "extra,vendor,passengers,seconds,miles,payment\n1,CMT,1,300,1.5,CRD\n2,CMT,1,,1.5,CRD\nthree,CMT,1,abc,1.5,CRD\nfour,CMT,1,300,1.5,CRD\n"
            + string.Concat(Enumerable.Range(0, 30).Select(i => $"{i},CMT,1,300,1.5,CRD\n")),
            filled.Model);

        var rows = Rows(await TableAsync(run), "prediction IS NULL", "problem");
        rows.Take(2).Should().AllSatisfy(row => row.Should().Equal(false, null));
        rows[2].Should().Equal(
            true, "feature 'seconds' is missing, or cannot be read as a number: column 'extra' of the row cannot be read either.");
        rows[3].Should().Equal(false, null);
    }

    [Fact]
    public async Task Cells_of_a_Parquet_file_count_as_what_they_are()
    {
        var path = Path.Combine(host.WorkFolder, "typed.parquet");
        using (var session = host.Get<DuckDb>().Open(default))
        {
            session.Copy(
                "SELECT * FROM (VALUES ('1.5', 300, 'CMT', 1.0::FLOAT, 'CRD'), ('many', 300, 'CMT', 1.0, 'CRD'), (NULL, 300, 'CMT', 1.0, 'CRD')) "
                + "t(miles, seconds, vendor, passengers, payment)",
                path);
        }

        var rows = Rows(await TableAsync(await ScoreFileAsync(path)), "prediction IS NULL", "problem");

        rows[0].Should().Equal(false, null);
        rows[1].Should().Equal(true, "feature 'miles' must be a number, not \"many\".");
        rows[2].Should().Equal(true, "feature 'miles' is null, and the model has no value to fill it with.");
    }

    [Fact]
    public async Task Rows_with_another_number_of_cells_are_told_with_the_first_line_and_how_it_starts()
    {
        var run = await ScoreAsync($"{Header}\nfine,1.5,300,CMT,1,CRD\nshort,1.5\nfine,1.5,300,CMT,1,CRD\nlong,1.5,300,CMT,1,CRD,7\n");

        run.Stages.Single(stage => stage.Stage == "score").Warnings.Should().Equal(new Warning(
            WarningCodes.RaggedRows,
            "2 of 4 rows of the file have another number of cells than its header (the first is line 3: 'short,1.5'): they are not in the scored table.")
        {
            Count = 2,
            Line = 3,
            Example = "short,1.5",
            Headline = true,
        });
    }

    [Fact]
    public async Task A_table_with_a_column_of_that_name_keeps_it()
    {
        var run = await ScoreAsync("prediction,miles,seconds,vendor,passengers,payment\n7,1.5,300,CMT,1,CRD\n");

        var scored = await TableAsync(run);
        scored.Manifest.Columns.TakeLast(2).Select(column => column.Name).Should().Equal("prediction_2", "problem");
        Rows(scored, "prediction", "prediction_2 IS NULL")[0].Should().Equal(7.0, false);
        run.Stages.Single(stage => stage.Stage == "score").Warnings!.Single().Text.Should().EndWith("those are called prediction_2, problem.");
    }

    [Fact]
    public async Task A_table_without_a_column_that_the_model_reads_is_refused()
    {
        const string Why = "Column 'miles' is missing in the table, and the model reads it";

        var file = await ScoreAsync("mile,seconds,vendor,passengers,payment\n1.5,300,CMT,1,CRD\n");
        var input = (await host.Get<DataLog>().ListOfRunAsync(definition.Model, file.Run.RunId, default)).Single().Id;
        var version = () => host.Get<ScoreStarter>().StartAsync(definition.Model, new ScoreWish(Data: input), "test", default);

        (file.Run.State, file.Run.Dataset).Should().Be((RunState.Failed, null));
        file.Run.Error.Should().StartWith(Why).And.Contain("'mile'");
        (await version.Should().ThrowAsync<InputException>()).WithMessage($"{Why}*", "there is no run of it at all");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_part_is_scored_and_the_same_table_again_is_found(bool scalesOut)
    {
        ((InlineEngine)host.Get<IPipelineEngine>()).ScalesOut = scalesOut;
        var csv = Trips.Csv(700, seed: scalesOut ? 6 : 7);

        var run = await ScoreAsync(csv);
        var again = await ScoreAsync(csv);

        run.Stages.Count(stage => stage.Stage == "score-part").Should().Be(4);
        var scored = await TableAsync(run);
        scored.Manifest.Rows.Should().Be(700);
        scored.Manifest.Parts.Should().HaveCount(4);
        Rows(scored, "count(*)", "count(prediction)", "count(fare)")[0].Should().Equal(700L, 700L, 700L);
        again.Run.Dataset.Should().Be(run.Run.Dataset);
        again.Stages.Where(stage => stage.Stage != "finish").Should().OnlyContain(stage => stage.State == StageState.Reused);
    }

    /// <summary>The result of a stage may be lost after its part was written.</summary>
    [Fact]
    public async Task A_part_that_is_written_is_not_scored_again()
    {
        var ended = await ScoreAsync(Trips.Csv(100, seed: 8));
        var raw = (await host.Get<DataLog>().ListOfRunAsync(definition.Model, ended.Run.RunId, default)).Single(use => use.Stage == DataEntry.Input).Id;
        var input = new ScorePartInput((await host.Get<DatasetStore>().GetAsync(raw, default)).Ref, Part: 0, Version: 1);
        var part = (await TableAsync(ended)).Manifest.Parts[0].Name;
        await host.Storage.Datasets.GetBlobClient($"{ended.Run.Dataset}/manifest.json").DeleteAsync();

        var written = await host.Get<ScorePartStage>().RunAsync(host.Context(ended.Run), input, default);
        await host.Storage.Datasets.GetBlobClient($"{ended.Run.Dataset}/{part}").DeleteAsync();
        var collected = await host.Get<ScorePartStage>().RunAsync(host.Context(ended.Run), input, default);

        written.Report.Should().Be(new StageReport(100, Reused: true));
        collected.Report.Should().Be(new StageReport(100), "its part is gone, and is made again");
    }

    [Fact]
    public async Task A_version_that_is_deleted_meanwhile_fails_the_run()
    {
        var raw = await host.Get<RunSources>().OfVersionAsync(definition.Model, "latest", default);
        var gone = () => host.Get<ScorePartStage>().RunAsync(
            host.Context(RunId.New(definition.Model, DateTimeOffset.UtcNow)), new ScorePartInput(new DatasetRef(StoredSource.IdOf(raw.Source)!, 300), 0, 9),
            default);

        (await gone.Should().ThrowAsync<InputException>()).WithMessage(
            $"Version 9 of model '{definition.Model}', with which this run scores, was deleted meanwhile. Start a run that scores with another one.");
    }

    [Fact]
    public async Task What_was_scored_is_not_what_the_model_is_trained_on_until_somebody_does()
    {
        var (log, versions) = (host.Get<DataLog>(), host.Get<DataVersions>());
        var trained = await versions.GetAsync(definition.Model, "latest", default);
        var reading = definition with { Columns = ReadAs("vendor", "payment") };

        var scored = await ScoreAsync(Trips.Csv(60, seed: 9));
        var latest = await versions.GetAsync(definition.Model, "latest", default);
        await host.RunAsync(reading, Path.Combine(host.WorkFolder, "scored.csv"));
        var then = await versions.GetAsync(definition.Model, "latest", default);

        latest.Id.Should().Be(trained.Id);
        (await log.ListAsync(definition.Model, DataEntry.Score, 10, next: null, default)).Items.Single().Id.Should().Be(scored.Run.Dataset);
        var input = (await log.ListOfRunAsync(definition.Model, scored.Run.RunId, default)).Single(use => use.Stage == DataEntry.Input).Id;
        then.Should().BeEquivalentTo(new { Id = input, Stage = "raw" }, "the file is read in the same way, so it is the same version");
        (await log.ListAsync(definition.Model, DataEntry.Input, 10, next: null, default)).Items.Should().BeEmpty();

        Dictionary<string, ColumnRule> ReadAs(params string[] texts) => Trips.Header.Split(',').Where(column => column != "fare").ToDictionary(
            column => column,
            column => texts.Contains(column) ? new ColumnRule { Kind = ColumnKind.Categorical } : new ColumnRule
            {
                Kind = ColumnKind.Numeric,
                Format = CellPattern.Point,
            });
    }

    [Fact]
    public async Task A_dataset_version_is_scored_as_it_is_and_nothing_that_a_run_refers_to_is_collected()
    {
        var other = AzuriteFixture.UniqueModel();
        (await host.RunAsync(definition with { Model = other }, Path.Combine(host.WorkFolder, "trips.csv"))).Run.Promoted.Should().BeTrue();
        var started = await host.Get<ScoreStarter>().StartAsync(definition.Model, new ScoreWish(Data: $"{other}@latest"), "test", default);

        var run = (await host.Get<RunStore>().FindAsync(started.RunId, default))!;

        run.State.Should().Be(RunState.Succeeded, run.Error);
        run.Data.Should().Be($"{other}@latest");
        (await host.Get<DataCollector>().FindAsync(default)).Findings.Should()
            .NotContain(finding => finding.Where.Contains(run.Dataset!, StringComparison.Ordinal));
        var retried = await host.Get<RunStarter>().RetryAsync(run, default);
        (await host.Get<RunStore>().FindAsync(retried.RunId, default))!.Should().BeEquivalentTo(new { State = RunState.Succeeded, run.Dataset, run.Version });
    }

    private Task<RunDetails> ScoreAsync(string csv, string? model = null) => ScoreFileAsync(host.WriteFile("scored.csv", csv), model);

    private async Task<RunDetails> ScoreFileAsync(string path, string? model = null)
    {
        var run = await host.Get<ScoreStarter>().StartAsync(model ?? definition.Model, new ScoreWish(path), "test", default);
        return (await host.Get<RunStore>().FindDetailsAsync(run.RunId, default))!;
    }

    private async Task<LocalTable> TableAsync(RunDetails run)
    {
        run.Run.Dataset.Should().NotBeNull(run.Run.Error);
        return await host.Get<DatasetStore>().OpenAsync(await host.Get<DatasetStore>().GetAsync(run.Run.Dataset!, default), default);
    }

    private IReadOnlyList<object?[]> Rows(LocalTable table, params string[] cells)
    {
        using var session = host.Get<DuckDb>().Open(default);
        return session.Rows($"SELECT {string.Join(", ", cells)} FROM {table.ToSql()}");
    }
}
