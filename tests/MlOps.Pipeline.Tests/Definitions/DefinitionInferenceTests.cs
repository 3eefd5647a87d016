using System.Globalization;
using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Definitions;

[Collection(AzuriteFixture.Collection)]
public sealed class DefinitionInferenceTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task Kinds_date_parts_and_imputation_are_inferred_and_the_definition_runs()
    {
        await using var host = new PipelineHost(azurite);
        var csv = new StringBuilder("id,when,age,cabin,empty,sex,survived\n");
        for (var i = 0; i < 600; i++)
        {
            csv.Append(CultureInfo.InvariantCulture, $"{i + 1},2026-01-{1 + (i % 28):D2},{(i % 5 == 0 ? "" : 20 + (i % 50))},");
            csv.Append(CultureInfo.InvariantCulture, $"{(i % 4 == 0 ? $"C{i % 12}" : "")},,{(i % 3 == 0 ? "f" : "m")},{(i % 3 == 0 ? 1 : 0)}\n");
        }
        var path = host.WriteFile("titanic.csv", csv.ToString());

        var definition = await host.Get<DefinitionInference>().InferAsync(
            new PipelineDefinition { Model = AzuriteFixture.UniqueModel(), Target = "survived" }, path, default);

        definition.Columns["id"].Kind.Should().Be(ColumnKind.IdLike);
        definition.Columns["when"].Kind.Should().Be(ColumnKind.Datetime);
        definition.Columns["age"].Impute!.Strategy.Should().Be(ImputeStrategy.Median);
        definition.Columns["cabin"].Impute!.Strategy.Should().Be(ImputeStrategy.MostFrequent);
        definition.Columns["empty"].Ignore.Should().BeTrue();
        definition.Features.DateParts.Should().Equal("when");
        DefinitionJson.Read(DefinitionJson.Write(definition)).Columns.Should().BeEquivalentTo(definition.Columns);

        var run = await host.RunAsync(definition, path);
        run.Run.Error.Should().BeNull();
        run.Run.State.Should().Be(RunState.Succeeded);
        run.Metrics["val_auc"].Should().BeGreaterThan(0.99);
    }

    [Fact]
    public async Task A_format_that_the_file_does_not_show_is_written_as_a_guess_and_each_run_tells_of_it()
    {
        await using var host = new PipelineHost(azurite);
        string Csv(int days) => "at;price;y\n" + string.Concat(Enumerable.Range(0, 200).Select(
            i => $"{1 + (i % days):00}/{1 + (i * 5 % 12):00}/2026;{1 + (i % 9)}.{100 + i};{(i % 37) + 1}\n"));
        var path = host.WriteFile("guess.csv", Csv(days: 12));

        var inferred = await host.Get<DefinitionInference>().InferAsync(
            new PipelineDefinition { Model = AzuriteFixture.UniqueModel(), Target = "y" }, path, default);
        var written = DefinitionJson.Write(inferred);

        (inferred.Columns["at"].Format, inferred.Columns["at"].Assumed).Should().Be((CellPattern.Mdy, true));
        (inferred.Columns["price"].Format, inferred.Columns["price"].Assumed).Should().Be((CellPattern.Point, true));
        inferred.Columns["y"].Assumed.Should().BeFalse();
        DefinitionJson.Read(written).Columns.Should().BeEquivalentTo(inferred.Columns);

        // Who knows better changes the guess, and takes the mark out where it is none any more.
        await using var bench = new StageBench(azurite);
        var other = inferred.Columns.ToDictionary();
        other["at"] = other["at"] with { Format = CellPattern.Dmy };
        other["price"] = other["price"] with { Format = CellPattern.PointGroups, Assumed = false };
        var raw = await bench.IngestAsync(inferred with { Columns = other }, path);
        (await bench.RowsAsync(raw.Raw, "at", "price"))[1].Should().Equal(new DateTime(2026, 6, 2, 0, 0, 0, DateTimeKind.Unspecified), 2101.0);
        bench.Told.Should().ContainSingle().Which.Should().Match<Warning>(warning => warning.Column == "at" && warning.Headline && warning.Text.Contains(
            "it is read with the day first, which the definition assumes"));

        // A file that shows how it is written is read as it shows.
        raw = await bench.IngestTextAsync(inferred, Csv(days: 28));
        (await bench.RowsAsync(raw.Raw, "at"))[1][0].Should().Be(new DateTime(2026, 6, 2, 0, 0, 0, DateTimeKind.Unspecified));
    }

    [Fact]
    public async Task Where_rows_are_few_each_of_many_categories_is_learnt()
    {
        await using var host = new PipelineHost(azurite);
        var random = new Random(4);
        var effects = Enumerable.Range(0, 300).Select(_ => 6 * random.NextDouble()).ToArray();
        var csv = new StringBuilder("city,size,price\n");
        for (var i = 0; i < 3000; i++)
        {
            var (city, size) = (random.Next(300), random.NextDouble());
            csv.Append(CultureInfo.InvariantCulture, $"c{city},{size:0.000},{effects[city] + size:0.000}\n");
        }
        var path = host.WriteFile("prices.csv", csv.ToString());

        var inferred = await host.Get<DefinitionInference>().InferAsync(
            new PipelineDefinition { Model = AzuriteFixture.UniqueModel(), Target = "price" }, path, default);
        var run = await host.RunAsync(inferred with { Candidates = [new CandidateSpec { Trainer = TrainerNames.Sdca }] }, path);

        inferred.Features.MaxCategories.Should().Be(1000);
        run.Metrics["val_r2"].Should().BeGreaterThan(0.9, "each of the 300 cities is told");
    }

    [Theory]
    [InlineData(8, 100, 500)]
    [InlineData(60, 100, 100)]
    [InlineData(8, 25_000, 100)]
    public async Task Slots_are_bounded_where_columns_or_rows_are_many(int columns, int rows, int most)
    {
        await using var host = new PipelineHost(azurite);
        var csv = new StringBuilder(string.Join(',', Enumerable.Range(0, columns).Select(column => $"k{column}")) + ",y\n");
        for (var i = 0; i < rows; i++)
        {
            csv.AppendJoin(',', Enumerable.Range(0, columns).Select(column => (i * (column + 3)) % 7 < 3 ? "red" : "blue"))
                .Append(CultureInfo.InvariantCulture, $",{i % 13}.5\n");
        }

        var inferred = await host.Get<DefinitionInference>().InferAsync(
            new PipelineDefinition { Model = "m", Target = "y" }, host.WriteFile("colours.csv", csv.ToString()), default);

        inferred.Features.MaxCategories.Should().Be(most);
        inferred.Candidates.Where(candidate => candidate is { EarlyStopping: > 0, Trainer: not TrainerNames.Sdca }).Should().HaveCount(2)
            .And.OnlyContain(candidate => candidate.Trees == 300);
        inferred.Candidates.Count(candidate => candidate.EarlyStopping == 0).Should().Be(rows < 25_000 ? 1 : 0, "folds choose where rows are few");
    }

    [Fact]
    public async Task A_target_or_ignored_column_that_does_not_exist_is_named_with_the_nearest()
    {
        await using var host = new PipelineHost(azurite);
        var path = host.WriteFile("trips.csv", Trips.Csv(50));

        var ignored = new[] { "vender", "zzz" }.ToDictionary(column => column, _ => new ColumnRule { Ignore = true });
        var act = () => host.Get<DefinitionInference>().InferAsync(
            new PipelineDefinition { Model = "m", Target = "fair", Columns = ignored }, path, default);

        (await act.Should().ThrowAsync<InputException>()).Which.Problems.Should().SatisfyRespectively(
            target => target.Should().Contain("'fair'").And.Contain("did you mean 'fare'"),
            ignored => ignored.Should().Contain("'vender'").And.Contain("did you mean 'vendor'"),
            unlike => unlike.Should().StartWith("There is no column 'zzz'. The columns are: vendor, "));
    }
}
