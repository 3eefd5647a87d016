using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Models;
using MlOps.Serving.Predictions;
using MlOps.Testing;

namespace MlOps.Serving.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class PredictionServiceTests : IAsyncDisposable
{
    private static readonly IReadOnlyList<JsonElement> OneRow = [JsonDocument.Parse("""{"a": 1}""").RootElement];

    private readonly ManualTime time = new();
    private readonly FakeScorers scorers = new();
    private readonly PipelineHost host;
    private readonly PredictionService service;
    private readonly ModelRegistry registry;
    private readonly string model = AzuriteFixture.UniqueModel();

    public PredictionServiceTests(AzuriteFixture azurite)
    {
        host = new PipelineHost(azurite, services => services.AddSingleton<TimeProvider>(time).AddSingleton<IScorerLoader>(scorers).AddMlOpsServing());
        service = host.Get<PredictionService>();
        registry = host.Get<ModelRegistry>();
    }

    [Fact]
    public async Task The_production_version_answers_and_is_listed_as_loaded()
    {
        await registry.AddVersionAsync(model);
        await registry.AddProductionAsync(model);
        await registry.AddVersionAsync(model);

        service.Loaded.Should().BeEmpty("models are loaded when first asked for");
        var predicted = await PredictAsync();

        predicted.Should().BeEquivalentTo(new { Model = model, Version = 2, Variant = "production", Task = TaskKind.Regression });
        predicted.Predictions.Should().ContainSingle().Which.Score.Should().Be(2);
        service.Loaded.Should().Equal(new LoadedModel(model, 2));
    }

    [Fact]
    public async Task Concurrent_first_requests_load_once()
    {
        await registry.AddProductionAsync(model);
        var open = new TaskCompletionSource();
        scorers.BeforeLoaded = _ => open.Task;

        var requests = Enumerable.Range(0, 40).Select(_ => service.PredictAsync(model, OneRow, default)).ToList();
        await Eventually.IsTrueAsync(() => scorers.Loads.Count > 0);
        open.SetResult();

        (await Task.WhenAll(requests)).Should().AllBeOfType<PredictionResult.Predicted>();
        scorers.Loads.Should().ContainSingle();
    }

    [Fact]
    public async Task A_promotion_and_a_rollback_are_followed_while_the_old_version_answers()
    {
        await registry.AddProductionAsync(model);
        (await PredictAsync()).Version.Should().Be(1);
        var open = new TaskCompletionSource();
        scorers.BeforeLoaded = version => version.Version == 2 ? open.Task : Task.CompletedTask;

        await registry.AddProductionAsync(model);
        time.Advance(TimeSpan.FromSeconds(1));
        (await PredictAsync()).Version.Should().Be(1);
        await Eventually.IsTrueAsync(() => scorers.Loads.Count == 2);
        (await PredictAsync()).Version.Should().Be(1, "version 2 is still loading");
        open.SetResult();
        await Eventually.IsTrueAsync(async () => (await PredictAsync()).Version == 2);

        await registry.RollbackAsync(model, from: null, default);
        time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.IsTrueAsync(async () => (await PredictAsync()).Version == 1);
    }

    [Fact]
    public async Task The_alias_is_read_at_most_once_a_second()
    {
        await registry.AddProductionAsync(model);
        await PredictAsync();
        await registry.AddProductionAsync(model);

        time.Advance(TimeSpan.FromMilliseconds(900));
        for (var i = 0; i < 50; i++)
        {
            (await PredictAsync()).Version.Should().Be(1);
        }
        scorers.Loads.Should().ContainSingle();
    }

    [Fact]
    public async Task A_new_version_that_cannot_be_loaded_leaves_the_old_one_serving()
    {
        await registry.AddProductionAsync(model);
        await PredictAsync();
        scorers.BeforeLoaded = version => version.Version == 2 ? throw new InvalidDataException("damaged") : Task.CompletedTask;

        await registry.AddProductionAsync(model);
        time.Advance(TimeSpan.FromSeconds(1));
        await PredictAsync();
        await Eventually.IsTrueAsync(() => scorers.Loads.Count == 2);

        (await PredictAsync()).Version.Should().Be(1);
        await registry.AddProductionAsync(model);
        time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.IsTrueAsync(async () => (await PredictAsync()).Version == 3);
    }

    [Fact]
    public async Task A_first_load_that_fails_for_good_names_version_and_way_out()
    {
        await registry.AddProductionAsync(model);
        scorers.BeforeLoaded = _ => throw new InvalidDataException("damaged");

        var fault = await service.Awaiting(s => s.PredictAsync(model, OneRow, default)).Should().ThrowAsync<ModelLoadException>();

        fault.Which.Message.Should().Contain($"Version 1 of model '{model}'").And.Contain("rollback");
    }

    [Fact]
    public async Task A_first_load_that_fails_in_passing_is_tried_again_a_moment_later()
    {
        await registry.AddProductionAsync(model);
        scorers.BeforeLoaded = _ => throw new IOException("connection reset");
        await service.Awaiting(s => s.PredictAsync(model, OneRow, default)).Should().ThrowAsync<IOException>();

        scorers.BeforeLoaded = _ => Task.CompletedTask;
        time.Advance(TimeSpan.FromSeconds(1));

        (await PredictAsync()).Version.Should().Be(1);
    }

    [Fact]
    public async Task A_registered_model_without_production_is_not_unknown()
    {
        await registry.AddVersionAsync(model);

        (await service.PredictAsync(model, OneRow, default)).Should().BeOfType<PredictionResult.NoneInProduction>().Which.Model.Should().Be(model);

        await registry.SetAliasAsync(model, ModelAlias.Production, 1, "test", default);
        (await PredictAsync()).Version.Should().Be(1, "the first promotion counts at once");
    }

    [Fact]
    public async Task A_declared_model_without_versions_is_not_unknown()
    {
        await host.Get<DefinitionStore>().PutAsync(new PipelineDefinition { Model = model, Target = "y" }, default);

        (await service.PredictAsync(model, OneRow, default)).Should().BeOfType<PredictionResult.NoneInProduction>();
    }

    [Theory]
    [InlineData("no-such-model")]
    [InlineData("a/b\\c#?d")]
    [InlineData("")]
    [InlineData("model\n")]
    public async Task Any_other_name_is_unknown_and_the_known_ones_are_listed(string name)
    {
        await registry.AddVersionAsync(model);

        (await service.PredictAsync(name, OneRow, default)).Should().BeOfType<PredictionResult.UnknownModel>().Which.Known.Should().Contain(model);
    }

    [Fact]
    public async Task Unknown_names_do_not_pile_up_in_memory()
    {
        for (var i = 0; i < 20; i++)
        {
            await service.PredictAsync($"unknown-{i}", OneRow, default);
        }

        host.Get<ModelCache>().Held.Should().Be(0);
    }

    [Fact]
    public async Task Too_many_rows_are_refused_with_the_limit_named()
    {
        await registry.AddProductionAsync(model);
        var rows = Enumerable.Repeat(OneRow[0], 10_001).ToList();

        var fault = await service.Awaiting(s => s.PredictAsync(model, rows, default)).Should().ThrowAsync<InputException>();

        fault.Which.Message.Should().Contain("10,001 rows").And.Contain("10,000");
    }

    [Fact]
    public async Task No_rows_give_no_predictions()
    {
        await registry.AddProductionAsync(model);

        (await service.PredictAsync(model, [], default)).Should().BeOfType<PredictionResult.Predicted>().Which.Predictions.Should().BeEmpty();
    }

    public async ValueTask DisposeAsync() => await host.DisposeAsync();

    private async Task<PredictionResult.Predicted> PredictAsync() =>
        (await service.PredictAsync(model, OneRow, default)).Should().BeOfType<PredictionResult.Predicted>().Subject;
}
