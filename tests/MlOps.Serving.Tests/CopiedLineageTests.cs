using MlOps.Pipeline.Versions;
using MlOps.Serving.Lineage;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Serving.Tests;

/// <summary>A version that was copied into another account has its lineage there, with its rows or without.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class CopiedLineageTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly AzuriteFixture other = new();

    public Task InitializeAsync() => other.InitializeAsync();

    public Task DisposeAsync() => other.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_it_comes_from_is_the_same_there(bool withData)
    {
        await using var host = new PipelineHost(azurite, services => services.AddMlOpsServing());
        await using var there = new PipelineHost(other, services => services.AddMlOpsServing());
        var definition = Trips.Definition();
        var path = host.WriteFile("may.csv", Trips.Csv(200, 1));
        var run = (await host.RunAsync(definition, path)).Run;
        await host.Get<ModelCopy>().CopyAsync(definition.Model, 1, new ModelCopyTarget(other.NewStorage(), withData), default);

        var original = (await host.Get<LineageReader>().OfVersionAsync(definition.Model, 1, default))!;
        var copied = (await there.Get<LineageReader>().OfVersionAsync(definition.Model, 1, default))!;
        var ofRun = await there.Get<LineageReader>().OfRunAsync(run.RunId, default);

        copied.Edges.Should().BeEquivalentTo(original.Edges).And.HaveCountGreaterThan(6);
        copied.Nodes.Select(node => node.Id).Should().BeEquivalentTo(original.Nodes.Select(node => node.Id));
        ofRun!.Edges.Should().BeEquivalentTo(original.Edges);
        copied.Nodes.Count(node => node.Label.EndsWith(", not here", StringComparison.Ordinal)).Should().Be(withData ? 0 : 5);
    }
}
