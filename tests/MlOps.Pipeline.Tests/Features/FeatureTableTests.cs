using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Features;

[Collection(AzuriteFixture.Collection)]
public sealed class FeatureTableTests(AzuriteFixture azurite)
{
    [Theory]
    [InlineData(null, null)]
    [InlineData("vendor", null)]
    [InlineData(null, "passengers")]
    public async Task Both_sides_read_at_once_are_those_read_one_by_one(string? group, string? weights)
    {
        await using var bench = new StageBench(azurite);
        var definition = Trips.Definition() with
        {
            Split = new SplitRules { Group = group },
            Weights = weights,
            Columns = new Dictionary<string, ColumnRule> { ["miles"] = new() { Required = false } },
        };
        var lines = Trips.Csv(20_000).Split('\n');
        for (var i = 1; i < lines.Length - 1; i += 7)
        {
            var cells = lines[i].Split(',');
            cells[3] = "";
            lines[i] = string.Join(',', cells);
        }
        var split = await bench.SplitAsync(definition, string.Join('\n', lines));
        var datasets = bench.Host.Get<DatasetStore>();
        var train = await datasets.OpenAsync(await datasets.GetAsync(split.Train.Id, default), default);
        var validation = await datasets.OpenAsync(await datasets.GetAsync(split.Validation.Id, default), default);
        using var session = bench.Host.Get<DuckDb>().Open(default);
        var featurizer = Featurizer.Fit(session, train, definition);

        var sides = FeatureTable.LoadSides(session, train, validation, featurizer);

        Same(sides.Train, FeatureTable.Load(session, train, featurizer));
        Same(sides.Validation, FeatureTable.Load(session, validation, featurizer));
        sides.Train.Inner.Should().Contain(true).And.Contain(false);
        sides.Train.Inner.Zip(sides.Train.Draws).Should().OnlyContain(row => row.First == row.Second < 0.1f);
        sides.Validation.Draws.Should().OnlyContain(draw => float.IsNaN(draw));
        (sides.Train.Weights is not null, sides.Validation.Weights).Should().Be((weights is not null, null), "only what is learnt from counts");
        sides.Train.Numbers.Should().Contain(column => column.Any(float.IsNaN));
    }

    [Fact]
    public async Task A_split_by_time_has_the_latest_training_rows_as_its_inner_split()
    {
        await using var bench = new StageBench(azurite);
        var definition = Trips.Definition() with { Split = new SplitRules { Time = "seconds" } };
        var split = await bench.SplitAsync(definition, Trips.Csv(3000));
        var datasets = bench.Host.Get<DatasetStore>();
        var train = await datasets.OpenAsync(await datasets.GetAsync(split.Train.Id, default), default);
        var validation = await datasets.OpenAsync(await datasets.GetAsync(split.Validation.Id, default), default);
        using var session = bench.Host.Get<DuckDb>().Open(default);
        var featurizer = Featurizer.Fit(session, train, definition);

        var sides = await bench.Host.Get<FeatureTableCache>().GetSplitAsync(train, validation, featurizer, default);

        var seconds = sides.Train.Numbers[featurizer.Direct.Where(input => input.Categories is null).ToList().FindIndex(input => input.Name == "seconds")];
        var watched = sides.Train.Inner.Zip(seconds).Where(row => row.First).Min(row => row.Second);
        sides.Train.Inner.Zip(seconds).Where(row => !row.First).Should().AllSatisfy(row => row.Second.Should().BeLessThan(watched));
        sides.Validation.Inner.Should().NotContain(true);
    }

    private static void Same(FeatureTable table, FeatureTable expected)
    {
        table.Numbers.SelectMany(column => column).Should().Equal(expected.Numbers.SelectMany(column => column));
        table.Codes.SelectMany(column => column).Should().Equal(expected.Codes.SelectMany(column => column));
        table.Labels.Should().Equal(expected.Labels);
        table.Inner.Should().Equal(expected.Inner);
        table.Draws.Should().Equal(expected.Draws);
        (table.Weights ?? []).Should().Equal(expected.Weights ?? []);
    }
}
