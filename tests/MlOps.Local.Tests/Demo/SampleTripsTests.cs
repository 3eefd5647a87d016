using System.Globalization;
using MlOps.Local.Demo;
using MlOps.Pipeline.Definitions;

namespace MlOps.Local.Tests.Demo;

public sealed class SampleTripsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-sample-").FullName;

    [Fact]
    public async Task The_sample_is_the_same_every_time_and_has_the_flaws_of_real_data()
    {
        var first = await WriteAsync("a.csv");
        var second = await WriteAsync("b.csv");

        second.Should().Equal(first);
        var rows = first.Skip(1).ToList();
        rows.Should().HaveCount(SampleTrips.Rows);
        rows.Distinct().Count().Should().BeLessThan(SampleTrips.Rows, "there are duplicates");
        rows.Should().Contain(row => row.Split(',', StringSplitOptions.None)[4].Length == 0, "there are nulls");
        rows.Select(row => row.Split(',')[4]).Where(text => text.Length > 0).Select(text => double.Parse(text, CultureInfo.InvariantCulture))
            .Should().Contain(distance => distance < 0, "there are values that cannot be");
    }

    [Fact]
    public async Task The_stored_definition_is_valid_and_fits_the_sample()
    {
        var definition = DefinitionJson.Read(await File.ReadAllTextAsync(SampleTrips.DefinitionFile));
        var header = (await WriteAsync("c.csv"))[0].Split(',');

        definition.Model.Should().Be(SampleTrips.Model);
        header.Should().Contain(definition.Target).And.Contain(definition.Columns.Keys);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private async Task<string[]> WriteAsync(string name)
    {
        var file = Path.Combine(folder, name);
        await SampleTrips.WriteAsync(file, drifted: false, CancellationToken.None);
        return await File.ReadAllLinesAsync(file);
    }
}
