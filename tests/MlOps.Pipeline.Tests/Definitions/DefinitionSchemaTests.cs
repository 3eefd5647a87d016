extern alias JsonSchemas;

using System.Text.Json;
using System.Text.Json.Nodes;
using JsonSchemas::Json.Schema;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Tests.Definitions;

public sealed class DefinitionSchemaTests
{
    private static readonly JsonSchema Schema = JsonSchema.FromText(DefinitionSchema.Write());

    [Fact]
    public void The_file_beside_the_samples_is_what_the_code_writes() => Samples.Read(Samples.SchemaFile).ReplaceLineEndings("\n").TrimEnd().Should().Be(
        DefinitionSchema.Write().ReplaceLineEndings("\n"), "samples/{0} is the answer of GET /schemas/pipeline.json: store it again", Samples.SchemaFile);

    [Theory]
    [MemberData(nameof(Samples.Definitions), MemberType = typeof(Samples))]
    public void A_sample_fits_and_names_the_schema(string name)
    {
        Fits(Samples.Read(name)).Should().BeTrue();
        ((string)JsonNode.Parse(Samples.Read(name))!["$schema"]!).Should().Be("./" + Samples.SchemaFile);
    }

    [Fact]
    public void The_example_of_the_readme_fits() => Fits(Samples.OfReadme()).Should().BeTrue();

    [Fact]
    public void What_is_written_of_a_definition_fits()
    {
        const int Seed = 3;
        var random = new RandomDefinitions(Seed);
        foreach (var written in Enumerable.Range(0, 300).Select(_ => DefinitionJson.Write(random.Next())))
        {
            Fits(written).Should().BeTrue("of seed {0}: {1}", Seed, written);
        }
    }

    [Theory]
    [InlineData("""{ "target": "y" }""")]
    [InlineData("""{ "model": "m", "target": "" }""")]
    [InlineData("""{ "model": "m", "target": "y", "$schema": 1 }""")]
    [InlineData("""{ "model": "m", "target": "y", "columns": { "a": "number" } }""")]
    [InlineData("""{ "model": "m", "target": "y", "columns": { "a": { "impute": "zero" } } }""")]
    [InlineData("""{ "model": "m", "target": "y", "columns": { "a": { "impute": { } } } }""")]
    [InlineData("""{ "model": "m", "target": "y", "columns": { "a": { "impute": { "constant": 0, "value": 0 } } } }""")]
    [InlineData("""{ "model": "m", "target": "y", "columns": { "a": { "impute": 0 } } }""")]
    [InlineData("""{ "model": "m", "target": "y", "features": { "interactions": [["a"]] } }""")]
    [InlineData("""{ "model": "m", "target": "y", "features": { "ratios": [["a", "b", "c"]] } }""")]
    [InlineData("""{ "model": "m", "target": "y", "features": { "ratios": [["a", 1]] } }""")]
    [InlineData("""{ "model": "m", "target": "y", "features": { "logs": [1] } }""")]
    [InlineData("""{ "model": "m", "target": "y", "candidates": [] }""")]
    [InlineData("""{ "model": "m", "target": "y", "candidates": [ { "trees": 10 } ] }""")]
    [InlineData("""{ "model": "m", "target": "y", "candidates": [ { "trainer": "sdca", "trees": 1.5 } ] }""")]
    [InlineData("""{ "model": "m", "target": "y", "gates": { "approval": { "timeout": "soon" } } }""")]
    public void What_the_schema_refuses_is_no_definition(string json)
    {
        Fits(json).Should().BeFalse();
        json.Invoking(DefinitionJson.Read).Should().Throw<InputException>();
    }

    [Fact]
    public void No_key_takes_another_type_or_a_value_beyond_its_range_or_a_neighbour_that_is_not_known()
    {
        var cases = DefinitionParts.All.SelectMany(part => part.Wrong.Select(value => part.Place(value))).ToList();

        cases.Should().HaveCountGreaterThan(150);
        foreach (var wrong in cases)
        {
            Fits(wrong).Should().BeFalse(wrong);
            wrong.Invoking(DefinitionJson.Read).Should().Throw<InputException>(wrong);
        }
    }

    [Fact]
    public void Values_at_the_ends_of_a_range_are_taken_unless_it_is_open()
    {
        var cases = DefinitionParts.All.SelectMany(part => part.Ends.Select(value => part.Place(value))).ToList();

        cases.Should().HaveCountGreaterThan(20);
        foreach (var end in cases)
        {
            Fits(end).Should().BeTrue(end);
            end.Invoking(DefinitionJson.Read).Should().NotThrow(end);
        }
    }

    [Theory]
    [InlineData("1")]
    [InlineData("02:00")]
    [InlineData("2:0:0")]
    [InlineData("1.00:00:00")]
    [InlineData("1:02:03:04.5")]
    [InlineData("00:00:00.0000001")]
    public void Every_spelling_of_a_time_span_fits(string timeout)
    {
        var json = $$"""{ "model": "m", "target": "y", "gates": { "approval": { "timeout": "{{timeout}}" } } }""";

        Fits(json).Should().BeTrue();
        json.Invoking(DefinitionJson.Read).Should().NotThrow();
    }

    [Fact]
    public void Every_key_is_described_and_its_default_is_what_a_definition_has_that_leaves_it_out()
    {
        var read = DefinitionJson.Read("""
            { "model": "m", "target": "y", "columns": { "a": { "drift": {} } }, "traffic": { "steps": [5] },
              "monitor": { "signals": { "predictionDrift": { "threshold": 0.3 } } } }
            """);
        var written = JsonNode.Parse(DefinitionJson.Write(read))!;

        DefinitionParts.All.Should().OnlyContain(part => part.Schema["description"] != null);
        var defaults = DefinitionParts.All.Where(part => part.Schema["default"] is not null && !part.IsWithin("columns")).ToList();
        defaults.Should().HaveCountGreaterThan(25);
        defaults.Where(part => part.Path is not ["columns"] && !JsonNode.DeepEquals(part.Schema["default"], part.Of(written)))
            .Select(part => part.ToString()).Should().BeEmpty();
    }

    private static bool Fits(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Schema.Evaluate(document.RootElement).IsValid;
    }
}
