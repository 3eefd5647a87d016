using Microsoft.Extensions.Hosting;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Definitions;

[Collection(AzuriteFixture.Collection)]
public sealed class KnownExtensionsTests(AzuriteFixture azurite)
{
    private const string Whole = """
        {
          "model": "m", "target": "y", "task": "binary",
          "features": { "custom": [{ "name": "km", "function": "great_circle", "inputs": ["a", "b"] }] },
          "candidates": [{ "trainer": "ols", "options": { "l1": 0.5, "intercept": true, "mode": "fast" } }],
          "gates": { "checks": ["fairness", { "check": "size", "options": { "atMost": 3 } }] }
        }
        """;

    private static readonly KnownExtensions Known = new(
        [new KnownFunction("great_circle", 2)], [new KnownTrainer("ols", [TaskKind.Binary], ["l1", "intercept", "mode"])],
        [new KnownCheck("fairness", []), new KnownCheck("size", ["atMost"])]);

    [Fact]
    public void What_a_host_has_is_read_and_written_in_full()
    {
        var definition = DefinitionJson.Read(Whole, Known);

        definition.Features.Custom.Should().ContainSingle().Which.Should().BeEquivalentTo(new CustomFeature("km", "great_circle", ["a", "b"]));
        definition.CandidateKeys.Should().Equal("0-ols");
        var options = definition.Candidates[0].Options!;
        (options.Number("l1"), options.Text("intercept"), options.Text("mode"), options.Text("other")).Should().Be((0.5, "true", "fast", null));
        definition.Gates.Checks.Select(check => (check.Check, check.Options?.Whole("atMost"))).Should().Equal(("fairness", null), ("size", 3));
        DefinitionJson.Write(DefinitionJson.Read(DefinitionJson.Write(definition))).Should().Be(DefinitionJson.Write(definition));
    }

    [Theory]
    [InlineData("\"great_circle\", \"inputs\": [\"a\", \"b\"]", "\"grate_circle\", \"inputs\": [\"a\", \"b\"]",
        "features.custom[0].function is 'grate_circle', which this host does not have; did you mean 'great_circle'?")]
    [InlineData("[\"a\", \"b\"]", "[\"a\"]", "features.custom[0].inputs names 1 columns; the function 'great_circle' takes 2.")]
    [InlineData("\"trainer\": \"ols\"", "\"trainer\": \"osl\"", "candidates[0].trainer is 'osl', which this host does not have; did you mean 'ols'?")]
    [InlineData("\"task\": \"binary\"", "\"task\": \"regression\"", "candidates[0].trainer is 'ols', which cannot do the task regression.")]
    [InlineData("\"mode\"", "\"mood\"", "candidates[0].options.mood is not known; did you mean 'mode'?")]
    [InlineData("\"trainer\": \"ols\"", "\"trainer\": \"sdca\"", "candidates[0].options: the trainer 'sdca' takes none; its keys stand beside 'trainer'.")]
    [InlineData("[\"fairness\",", "[\"fairnes\",", "gates.checks[0] is 'fairnes', which this host does not have; did you mean 'fairness'?")]
    [InlineData("\"atMost\"", "\"atLeast\"", "gates.checks[1].options.atLeast is not known; did you mean 'atMost'?")]
    public void What_it_does_not_have_names_the_nearest_that_it_has(string right, string wrong, string problem)
    {
        Whole.Should().Contain(right);
        var act = () => DefinitionJson.Read(Whole.Replace(right, wrong, StringComparison.Ordinal), Known);

        act.Should().Throw<InputException>().Which.Problems.Should().Equal(problem);
    }

    [Theory]
    [InlineData("""{ "model": "m", "target": "y", "candidates": [{ "trainer": "My Trainer" }] }""", "*candidates[0].trainer is 'My Trainer'*lower-case*")]
    [InlineData("""{ "model": "m", "target": "y", "candidates": [{ "trainer": "a", "options": { "x": [1] } }] }""", "*options.x must be a text, a number*")]
    [InlineData("""{ "model": "m", "target": "y", "gates": { "checks": ["a", { "check": "a" }] } }""", "*gates.checks names 'a' twice*")]
    [InlineData("""{ "model": "m", "target": "y", "gates": { "checks": [{ "options": {} }] } }""", "*gates.checks[0].check is missing*")]
    [InlineData("""{ "model": "m", "target": "y", "features": { "custom": [{ "name": "", "function": "f", "inputs": [] }] } }""",
        "*name is empty*inputs is empty*")]
    [InlineData("""{ "model": "m", "target": "y", "features": { "custom": [{ "name": "a", "function": "f", "inputs": ["y"] }] } }""", "*given the answer*")]
    public void What_makes_sense_on_no_host_is_refused_by_all(string json, string message)
    {
        var act = () => DefinitionJson.Read(json);

        act.Should().Throw<InputException>().WithMessage(message);
    }

    [Fact]
    public async Task A_definition_that_names_what_the_host_lacks_is_not_stored_and_an_old_one_starts_no_run()
    {
        var definition = DefinitionJson.Read(Whole) with { Model = AzuriteFixture.UniqueModel() };
        await using var host = new PipelineHost(azurite);

        var put = () => host.Get<DefinitionStore>().PutAsync(definition, default);

        (await put.Should().ThrowAsync<InputException>()).Which.Problems.Should().HaveCount(4);
        (await host.Get<DefinitionStore>().FindAsync(definition.Model, default)).Should().BeNull();
    }

    [Fact]
    public async Task A_host_does_not_start_with_two_of_a_name_or_a_name_that_is_built_in()
    {
        await using var host = new PipelineHost(
            azurite, services => services.AddMlOps(add => add.AddFeatureFunction(new Named("ratio")).AddFeatureFunction(new Named("mine"))
                .AddFeatureFunction(new Named("mine")).AddFeatureFunction(new Named("My own"))));

        var start = () => host.Get<IEnumerable<IHostedService>>().Single().StartAsync(default);

        (await start.Should().ThrowAsync<InputException>()).Which.Problems.Should().Equal(
            "Named cannot be the feature function 'ratio': it is built in. Give it another name.",
            "Named cannot be the feature function 'mine': Named has it. Give it another name.",
            "Named is called 'My own'; the name of a feature function must be 1 to 40 lower-case letters, digits, '-' and '_', beginning with a letter.");
    }

    private sealed class Named(string name) : IFeatureFunction
    {
        public string Name => name;

        public int Inputs => 1;

        public double Evaluate(ReadOnlySpan<double> inputs) => inputs[0];
    }
}
