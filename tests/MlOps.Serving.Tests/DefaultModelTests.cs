using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Models;
using MlOps.Serving.Predictions;
using MlOps.Testing;

namespace MlOps.Serving.Tests;

/// <summary>Which model answers when none is named depends on all that there are: this test has a storage of its own.</summary>
public sealed class DefaultModelTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>
{
    private static readonly IReadOnlyList<JsonElement> OneRow = [JsonDocument.Parse("{}").RootElement];

    [Fact]
    public async Task The_only_model_answers_and_several_must_be_told_apart()
    {
        var time = new ManualTime();
        await using var host = new PipelineHost(
            azurite, services => services.AddSingleton<TimeProvider>(time).AddSingleton<IScorerLoader>(new FakeScorers()).AddMlOpsServing());
        var (service, registry) = (host.Get<PredictionService>(), host.Get<ModelRegistry>());

        (await service.PredictAsync(null, OneRow, default)).Should().BeOfType<PredictionResult.NoneInProduction>().Which.Model.Should().BeNull();

        await host.Get<DefinitionStore>().PutAsync(new PipelineDefinition { Model = "only", Target = "y" }, default);
        (await service.PredictAsync(null, OneRow, default)).Should().BeOfType<PredictionResult.NoneInProduction>().Which.Model.Should().Be("only");

        await registry.AddProductionAsync("only");
        (await service.PredictAsync(null, OneRow, default)).Should().BeOfType<PredictionResult.Predicted>().Which.Model.Should().Be("only");

        await registry.AddVersionAsync("another");
        time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.IsTrueAsync(
            async () => await service.PredictAsync(null, OneRow, default) is PredictionResult.ModelNotNamed { Known: ["another", "only"] });
    }
}
