using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Stages.Promote;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

/// <summary>
/// Columns that are declared to be written otherwise than production's were; what texts mean no value is in <see cref="Cases.ComparisonTests"/>.
/// </summary>
[Collection(AzuriteFixture.Collection)]
public sealed class CellDifferencesTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly StageBench bench = new(azurite);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => bench.DisposeAsync().AsTask();

    [Theory]
    [InlineData("number", "numbers", "1234.5", "1234,5", "1,234.5", "1.234,5", "1 234,5", "1 234.5", "1'234.5")]
    [InlineData("day", "dates", "ymd", "dmy", "mdy")]
    public async Task Another_format_is_told_of_its_column_only(string column, string what, string usual, params string[] others)
    {
        var production = await InputsAsync(column, usual);
        (await TellAsync(usual)).Should().BeEmpty();

        foreach (var other in others)
        {
            (await TellAsync(other)).Should().Equal(new Warning(
                WarningCodes.ReadOtherwise,
                $"Column '{column}' is read otherwise than production reads it: {what} are written as {other} in the new data, and as {usual} to version 3; "
                    + "the comparison is by the new reading.")
            {
                Column = column,
                Headline = true,
            });
        }

        async Task<IEnumerable<Warning>> TellAsync(string format) =>
            CellDifferences.Tell(await IngestAsync(column, format), production, version: 3, new Dictionary<string, ColumnExample>());
    }

    [Fact]
    public async Task A_cell_that_shows_the_new_reading_is_told_with_its_line()
    {
        var production = await InputsAsync("number", "1234.5");

        var told = CellDifferences.Tell(
            await IngestAsync("number", "1234,5"), production, version: 3, ColumnExample.ByColumn([new ColumnExample("number", "12,5", Line: 7)]));

        var one = told.Should().ContainSingle().Subject;
        (one.Line, one.Example).Should().Be((7, "12,5"));
        one.Text.Should().Contain("numbers are written as 1234,5 (line 7: '12,5') in the new data");
    }

    private async Task<Featurizer> InputsAsync(string column, string format) => FeatureTable.MadeUp(10).Featurizer with
    {
        Inputs = [.. (await IngestAsync(column, format)).Columns.Select(one => new FeatureInput(one.Name, one.Type, one.Kind, true, null, null, one.Cells))],
    };

    private async Task<DatasetManifest> IngestAsync(string column, string format)
    {
        var definition = new PipelineDefinition
        {
            Model = "differences",
            Target = "y",
            Columns = new Dictionary<string, ColumnRule> { [column] = new() { Format = DefinitionNames.Patterns[format] } },
        };
        return await bench.ManifestAsync((await bench.IngestTextAsync(definition, "number,day,y\n7,2026-01-31,1.5\n8,2026-02-28,2.5\n")).Raw);
    }
}
