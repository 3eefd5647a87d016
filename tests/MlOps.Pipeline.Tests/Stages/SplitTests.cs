using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Profiling;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class SplitTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly StageBench bench = new(azurite);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => bench.DisposeAsync().AsTask();

    [Fact]
    public async Task Every_row_is_on_exactly_one_side_in_about_the_declared_share()
    {
        var split = await bench.SplitAsync(Trips.Definition() with { Split = new SplitRules { Validation = 0.3 } }, Trips.Csv(5000));

        (split.Train.Rows + split.Validation.Rows).Should().Be(5000);
        split.Validation.Rows.Should().BeInRange(1350, 1650);
        var train = (await bench.RowsAsync(split.Train, "__row_hash")).Select(row => row[0]).ToHashSet();
        (await bench.RowsAsync(split.Validation, "__row_hash")).Should().HaveCount((int)split.Validation.Rows).And.OnlyContain(row => !train.Contains(row[0]));
    }

    [Fact]
    public async Task Of_many_classes_each_has_its_share_and_what_is_too_small_for_both_sides_is_learnt_and_told()
    {
        var lines = Trips.Csv(1000).TrimEnd('\n').Split('\n');
        var csv = string.Join('\n', lines.Select((line, i) => $"{line},{(i == 0 ? "kind" : i == 7 ? "once" : i is 8 or 9 ? "twice" : $"k{i % 20}")}")) + "\n";

        var split = await bench.SplitAsync(Trips.Definition() with { Target = "kind" }, csv);

        var (train, validation) = (await ClassesAsync(split.Train), await ClassesAsync(split.Validation));
        foreach (var kind in Enumerable.Range(0, 20).Select(i => $"k{i}"))
        {
            var rows = train[kind] + validation[kind];
            validation[kind].Should().BeInRange((rows / 5) - 1, (rows / 5) + 1);
        }
        (train["once"], train["twice"], validation["twice"]).Should().Be((1, 1, 1));
        validation.Should().NotContainKey("once");
        bench.Warnings.Should().ContainSingle(text => text.Contains("Classes without validation rows") && text.Contains("'once'"));

        async Task<Dictionary<string, int>> ClassesAsync(DatasetRef side) =>
            (await bench.RowsAsync(side, "kind")).CountBy(row => (string)row[0]!).ToDictionary();
    }

    [Fact]
    public async Task A_target_of_a_few_whole_numbers_is_an_amount_and_that_is_told()
    {
        var lines = Trips.Csv(400).TrimEnd('\n').Split('\n');
        var csv = string.Join('\n', lines.Select((line, i) => $"{line},{(i == 0 ? "stars" : $"{i % 5}")}")) + "\n";
        var definition = Trips.Definition() with { Target = "stars" };

        var split = await bench.SplitAsync(definition, csv);

        TargetColumn.Of(await bench.ManifestAsync(split.Train)).Task.Should().Be(TaskKind.Regression);
        bench.Warnings.Should().ContainSingle(text => text.Contains("5 different values") && text.Contains("\"task\": \"multiclass\""));

        await bench.SplitAsync(definition with { Task = TaskKind.Regression }, csv);
        bench.Warnings.Should().ContainSingle(text => text.Contains("different values"), "what is declared is not doubted");

        var classes = await bench.SplitAsync(definition with { Task = TaskKind.Multiclass }, csv);
        TargetColumn.Of(await bench.ManifestAsync(classes.Train)).Classes.Should().Equal("0", "1", "2", "3", "4");
    }

    [Fact]
    public async Task The_same_rows_fall_on_the_same_side_in_another_order_and_among_others()
    {
        var lines = Trips.Csv(1000).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var reversed = string.Join(
            '\n',
            new[] { lines[0] }.Concat(lines.Skip(1).Reverse()).Concat(Trips.Csv(300, seed: 99).Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1)));

        var first = await bench.SplitAsync(Trips.Definition(), string.Join('\n', lines) + "\n");
        var second = await bench.SplitAsync(Trips.Definition(), reversed + "\n");

        var all = (await bench.RowsAsync(second.Validation, "__row_hash")).Select(row => row[0]).ToHashSet();
        (await bench.RowsAsync(first.Validation, "__row_hash")).Should().OnlyContain(row => all.Contains(row[0]));
        var train = (await bench.RowsAsync(second.Train, "__row_hash")).Select(row => row[0]).ToHashSet();
        (await bench.RowsAsync(first.Train, "__row_hash")).Should().OnlyContain(row => train.Contains(row[0]));
    }

    [Fact]
    public async Task Test_rows_come_from_train_and_leave_the_validation_rows_as_they_are()
    {
        var csv = Trips.Csv(2000);
        var without = await bench.SplitAsync(Trips.Definition(), csv);

        var split = await bench.SplitAsync(Trips.Definition() with { Split = new SplitRules { Test = 0.3 } }, csv);

        split.Test!.Rows.Should().BeInRange(500, 700);
        (split.Train.Rows + split.Validation.Rows + split.Test.Rows).Should().Be(2000);
        var (train, validation, test) = (await HashesAsync(split.Train), await HashesAsync(split.Validation), await HashesAsync(split.Test));
        validation.Should().BeEquivalentTo(await HashesAsync(without.Validation));
        train.Should().NotIntersectWith(test).And.NotIntersectWith(validation);
        test.Should().NotIntersectWith(validation);
    }

    [Theory]
    [InlineData(null, 1500, true)]
    [InlineData(null, 1700, false)]
    [InlineData(0.0, 1500, false)]
    public async Task A_table_that_is_too_large_for_folds_has_test_rows_where_nothing_else_is_declared(double? test, int foldsBelow, bool has)
    {
        var definition = Trips.Definition() with { Split = new SplitRules { Test = test }, Train = new TrainRules { FoldsBelow = foldsBelow } };

        var split = await bench.SplitAsync(definition, Trips.Csv(2000));

        (split.Test is not null).Should().Be(has);
        (split.Test?.Rows ?? 200).Should().BeInRange(150, 250);
        (split.Train.Rows + split.Validation.Rows + (split.Test?.Rows ?? 0)).Should().Be(2000);
    }

    [Fact]
    public async Task Test_rows_that_nobody_asked_for_are_left_out_where_a_side_would_be_empty()
    {
        var lines = string.Concat(Enumerable.Range(0, 300).Select(i => FormattableString.Invariant($"{i},{(i % 2 == 0 ? "a" : "b")},{i % 7}\n")));
        var csv = "x,shop,y\n" + lines;
        var definition = new PipelineDefinition
        {
            Model = "split",
            Target = "y",
            Split = new SplitRules { Group = "shop", Validation = 0.5, Test = 0 },
            Train = new TrainRules { FoldsBelow = 100 },
        };
        while (!await DividesAsync(definition, csv))
        {
            definition = definition with { Split = definition.Split with { Seed = definition.Split.Seed + 1 } };
        }
        var rules = definition.Split with { Test = null };
        definition = definition with { Split = rules };

        var split = await bench.SplitAsync(definition, csv);
        var again = await bench.SplitAsync(definition, csv);

        split.Test.Should().BeNull();
        (split.Train.Rows, split.Validation.Rows).Should().Be((150, 150));
        (again.Train, again.Validation, again.Test).Should().Be((split.Train, split.Validation, null));
        var asked = () => bench.SplitAsync(definition with { Split = rules with { Test = 0.1 } }, csv);
        await asked.Should().ThrowAsync<InputException>().WithMessage("The split leaves no*");
    }

    /// <summary>Whether both of two groups do not fall on the same side.</summary>
    private async Task<bool> DividesAsync(PipelineDefinition definition, string csv)
    {
        try
        {
            await bench.SplitAsync(definition, csv);
            return true;
        }
        catch (InputException)
        {
            return false;
        }
    }

    [Theory]
    [InlineData(0.25, 300, 420)]
    [InlineData(500, 430, 570)]
    public async Task A_sample_is_a_uniform_part_of_the_training_rows_and_leaves_the_other_rows_as_they_are(double sample, int least, int most)
    {
        var csv = Trips.Csv(2000);
        var all = Trips.Definition() with { Split = new SplitRules { Test = 0.1 } };
        var whole = await bench.SplitAsync(all, csv);

        var sampled = await bench.SplitAsync(all with { Train = all.Train with { Sample = sample } }, csv);

        sampled.Train.Rows.Should().BeInRange(least, most);
        var (rows, of) = (await HashesAsync(sampled.Train), await HashesAsync(whole.Train));
        rows.Should().HaveCount((int)sampled.Train.Rows).And.BeSubsetOf(of);
        (await HashesAsync(sampled.Validation)).Should().BeEquivalentTo(await HashesAsync(whole.Validation));
        (await HashesAsync(sampled.Test!)).Should().BeEquivalentTo(await HashesAsync(whole.Test!));
        // Miles are drawn evenly from 0.3 to 12.3: a third standard error of their mean in a sample of 300 is 0.6.
        (await bench.RowsAsync(sampled.Train, "miles")).Average(row => (double)row[0]!).Should().BeApproximately(6.3, 0.6);
        var manifest = await bench.ManifestAsync(sampled.Train);
        manifest.Notes[DatasetNotes.SampledFrom]!.GetValue<long>().Should().Be(whole.Train.Rows);
        var (profile, _) = await bench.Host.Get<ProfileStore>().GetSplitAsync(
            manifest, await bench.ManifestAsync(sampled.Validation), 0, _ => Task.CompletedTask, default);
        profile.Columns["miles"].Count.Should().Be(sampled.Train.Rows);
    }

    [Fact]
    public async Task A_sample_of_more_rows_than_there_are_is_all_of_them()
    {
        var csv = Trips.Csv(300);

        var split = await bench.SplitAsync(Trips.Definition() with { Train = new TrainRules { Sample = 1_000_000 } }, csv);

        (split.Train.Rows + split.Validation.Rows).Should().Be(300);
        (await bench.ManifestAsync(split.Train)).Notes.Should().NotContainKey(DatasetNotes.SampledFrom);
    }

    [Fact]
    public async Task With_a_time_the_latest_rows_test_and_those_before_them_validate()
    {
        var csv = "t,a,y\n" + string.Concat(Enumerable.Range(0, 200).Select(i => $"{(i * 37) % 200},{i % 17},{i}\n"));
        var definition = new PipelineDefinition { Model = "split", Target = "y", Split = new SplitRules { Time = "t", Validation = 0.25, Test = 0.1 } };

        var split = await bench.SplitAsync(definition, csv);

        (await TimesAsync(split.Train)).Should().Equal(Enumerable.Range(0, 130).Select(i => (double)i));
        (await TimesAsync(split.Validation)).Should().Equal(Enumerable.Range(130, 50).Select(i => (double)i));
        (await TimesAsync(split.Test!)).Should().Equal(Enumerable.Range(180, 20).Select(i => (double)i));

        async Task<IEnumerable<double>> TimesAsync(Data.DatasetRef side) => (await bench.RowsAsync(side, "t")).Select(row => (double)row[0]!).Order();
    }

    [Theory]
    [InlineData(40, 0.2, 0.2, 6, 2, 2)]
    [InlineData(160, 0.7, 0.25, 1, 1, 1)]
    public async Task Each_class_has_its_share_among_the_test_rows(int every, double validation, double test, int trains, int validates, int tests)
    {
        var csv = "a,b,rare\n" + string.Concat(Enumerable.Range(0, 400).Select(i => $"{i % 19},{i},{(i % every == 0 ? "yes" : "no")}\n"));
        var definition = new PipelineDefinition
        {
            Model = "split",
            Target = "rare",
            Task = TaskKind.Binary,
            Split = new SplitRules { Validation = validation, Test = test },
        };

        var split = await bench.SplitAsync(definition, csv);

        (await RareAsync(split.Train), await RareAsync(split.Validation), await RareAsync(split.Test!)).Should().Be((trains, validates, tests));

        async Task<int> RareAsync(Data.DatasetRef side) => (await bench.RowsAsync(side, "rare")).Count(row => Equals(row[0], "yes"));
    }

    [Fact]
    public async Task Another_seed_gives_another_division()
    {
        var csv = Trips.Csv(1000);
        var first = await bench.SplitAsync(Trips.Definition(), csv);
        var second = await bench.SplitAsync(Trips.Definition() with { Split = new SplitRules { Seed = 43 } }, csv);

        var one = (await bench.RowsAsync(first.Validation, "__row_hash")).Select(row => row[0]).ToHashSet();
        var shared = (await bench.RowsAsync(second.Validation, "__row_hash")).Count(row => one.Contains(row[0]));
        shared.Should().BeInRange(15, 75, "a fifth of a fifth of 1000 rows is 40");
    }

    [Fact]
    public async Task A_time_ordered_split_validates_on_the_latest_rows()
    {
        var csv = "t,a,y\n" + string.Concat(Enumerable.Range(0, 200).Select(i => string.Create(
            CultureInfo.InvariantCulture, $"{new DateTime(2026, 1, 1).AddHours((i * 37) % 200):yyyy-MM-dd HH:mm:ss},{i % 17},{i}\n")));
        var definition = new PipelineDefinition { Model = "split", Target = "y", Split = new SplitRules { Time = "t", Validation = 0.25 } };

        var split = await bench.SplitAsync(definition, csv);

        var latest = (await bench.RowsAsync(split.Train, "t")).Max(row => (DateTime)row[0]!);
        (await bench.RowsAsync(split.Validation, "t")).Should().OnlyContain(row => (DateTime)row[0]! > latest);
        split.Validation.Rows.Should().Be(50);
    }

    [Fact]
    public async Task A_group_never_straddles()
    {
        var csv = "driver,a,y\n" + string.Concat(Enumerable.Range(0, 1000).Select(i => $"d{i % 40},{i % 17},{i}\n"));
        var definition = new PipelineDefinition { Model = "split", Target = "y", Split = new SplitRules { Group = "driver" } };

        var split = await bench.SplitAsync(definition, csv);

        var train = (await bench.RowsAsync(split.Train, "driver")).Select(row => row[0]).ToHashSet();
        var validation = (await bench.RowsAsync(split.Validation, "driver")).Select(row => row[0]).ToHashSet();
        train.Should().NotBeEmpty();
        validation.Should().NotBeEmpty().And.NotIntersectWith(train);
    }

    [Fact]
    public async Task A_side_without_rows_of_a_class_is_refused()
    {
        var csv = "a,y\n" + string.Concat(Enumerable.Range(0, 100).Select(i => $"{(i * 7 % 100) + 0.5},{(i == 50 ? "yes" : "no")}\n"));

        var act = () => bench.SplitAsync(new PipelineDefinition { Model = "split", Target = "y" }, csv);

        (await act.Should().ThrowAsync<InputException>()).WithMessage("*no * rows with y = 'yes'*");
    }

    [Fact]
    public async Task No_row_is_copied()
    {
        var split = await bench.SplitAsync(Trips.Definition(), Trips.Csv(100));

        (await bench.ManifestAsync(split.Train)).Parts.Should().BeEmpty();
        var blobs = new List<string>();
        await foreach (var blob in bench.Host.Storage.Datasets.GetBlobsAsync(default, default, split.Train.Id + "/", default))
        {
            blobs.Add(blob.Name);
        }
        blobs.Should().Equal($"{split.Train.Id}/manifest.json");
    }

    private async Task<IReadOnlySet<object?>> HashesAsync(Data.DatasetRef side) =>
        (await bench.RowsAsync(side, "__row_hash")).Select(row => row[0]).ToHashSet();
}
