using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Training;

[Collection(AzuriteFixture.Collection)]
public sealed class FoldsTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task Parts_are_even_and_cover_all_rows()
    {
        var table = await TableAsync(Trips.Definition(), Trips.Csv(1000));

        var folds = Folds.Of(table, 5, grouped: false)!;

        folds.Count.Should().Be(5);
        folds.PartOf.Should().HaveCount(table.Rows);
        folds.PartOf.GroupBy(part => part).Select(rows => rows.Count()).Should().HaveCount(5)
            .And.AllSatisfy(rows => rows.Should().BeInRange((table.Rows / 5) - 10, (table.Rows / 5) + 10));
        folds.Held(3).Zip(folds.PartOf).Should().OnlyContain(row => row.First == (row.Second == 3));
    }

    [Fact]
    public async Task The_rows_of_a_group_share_a_part()
    {
        var lines = Trips.Csv(1000).TrimEnd('\n').Split('\n');
        var csv = string.Join('\n', lines.Select((line, i) => $"{line},{(i == 0 ? "driver" : $"d{i % 40}")}"));
        var definition = Trips.Definition() with
        {
            Split = new SplitRules { Group = "driver" },
            Columns = new Dictionary<string, ColumnRule> { ["driver"] = new() { Kind = ColumnKind.Categorical } },
        };

        var table = await TableAsync(definition, csv);

        var folds = Folds.Of(table, 5, grouped: true)!;
        var drivers = Enumerable.Range(0, table.Rows).GroupBy(row => table.Draws[row]).ToList();
        drivers.Should().HaveCountLessThan(41);
        drivers.Should().OnlyContain(driver => driver.Select(row => folds.PartOf[row]).Distinct().Count() == 1);
        folds.PartOf.Distinct().Should().HaveCount(5);
    }

    [Fact]
    public async Task A_rare_class_is_in_every_part_and_with_few_of_its_rows_there_are_fewer_parts()
    {
        var lines = Trips.Csv(600).TrimEnd('\n').Split('\n');
        string Csv(int every) => string.Join('\n', lines.Select((line, i) => $"{line},{(i == 0 ? "rare" : i % every == 0 ? "yes" : "no")}"));
        var definition = Trips.Definition() with { Target = "rare" };

        var some = await TableAsync(definition, Csv(20));
        var few = await TableAsync(definition with { Model = AzuriteFixture.UniqueModel() }, Csv(80));

        var folds = Folds.Of(some, 5, grouped: false)!;
        Enumerable.Range(0, some.Rows).Where(row => some.Labels[row] > 0.5).Select(row => folds.PartOf[row]).Distinct().Should().HaveCount(5);
        var positives = few.Labels.Count(label => label > 0.5);
        positives.Should().BeInRange(4, 9);
        Folds.Of(few, 5, grouped: false)!.Count.Should().Be(positives / 2);
    }

    [Fact]
    public async Task Rows_in_the_order_of_time_are_not_cut()
    {
        var table = await TableAsync(Trips.Definition() with { Split = new SplitRules { Time = "seconds" } }, Trips.Csv(600));

        Folds.Of(table, 5, grouped: false).Should().BeNull();
    }

    [Fact]
    public async Task Classes_of_few_rows_do_not_make_fewer_parts_and_are_spread_over_them()
    {
        var lines = Trips.Csv(600).TrimEnd('\n').Split('\n');
        var csv = string.Join('\n', lines.Select((line, i) => $"{line},{(i == 0 ? "kind" : i % 60 == 0 ? $"rare{i}" : $"k{i % 4}")}"));

        var table = await TableAsync(Trips.Definition() with { Target = "kind" }, csv);

        var folds = Folds.Of(table, 5, grouped: false)!;
        folds.Count.Should().Be(5);
        var rare = Enumerable.Range(0, table.Rows).Where(row => table.Featurizer.Target.Classes![(int)table.Labels[row]].StartsWith("rare")).ToList();
        rare.Should().HaveCount(10, "a class of one row is for learning");
        rare.Select(row => folds.PartOf[row]).Distinct().Should().HaveCount(5);
        foreach (var rows in Enumerable.Range(0, table.Rows).Except(rare).GroupBy(row => table.Labels[row]))
        {
            rows.CountBy(row => folds.PartOf[row]).Select(part => part.Value).Should().AllSatisfy(
                count => count.Should().BeInRange((rows.Count() / 5) - 1, (rows.Count() / 5) + 1));
        }
    }

    private async Task<FeatureTable> TableAsync(PipelineDefinition definition, string csv)
    {
        await using var bench = new StageBench(azurite);
        var split = await bench.SplitAsync(definition, csv);
        var datasets = bench.Host.Get<DatasetStore>();
        var train = await datasets.OpenAsync(await datasets.GetAsync(split.Train.Id, default), default);
        var validation = await datasets.OpenAsync(await datasets.GetAsync(split.Validation.Id, default), default);
        using var session = bench.Host.Get<MlOps.Pipeline.Data.Duck.DuckDb>().Open(default);
        return FeatureTable.LoadSides(session, train, validation, Featurizer.Fit(session, train, definition)).Train;
    }
}
