using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Models;
using MlOps.Serving.Predictions;
using MlOps.Testing;

namespace MlOps.Serving.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class ModelCacheTests(AzuriteFixture azurite)
{
    private static readonly IReadOnlyList<JsonElement> OneRow = [JsonDocument.Parse("""{"a": 1}""").RootElement];

    private readonly ManualTime time = new();
    private readonly FakeScorers scorers = new();

    [Theory]
    [InlineData(2, long.MaxValue)]
    [InlineData(100, 2500)]
    public async Task Of_too_many_models_the_one_that_was_not_asked_for_the_longest_is_left(int mostModels, long mostBytes)
    {
        await using var host = NewHost(new ServingOptions { MostModels = mostModels, MostModelBytes = mostBytes });
        string[] models = [.. Enumerable.Range(0, 3).Select(_ => AzuriteFixture.UniqueModel())];
        foreach (var model in models)
        {
            await host.Get<ModelRegistry>().AddProductionAsync(model);
        }

        await AskAsync(host, models[0], models[1], models[0], models[2]);
        var loaded = host.Get<PredictionService>().Loaded.Select(model => model.Model).ToList();
        await AskAsync(host, models[1]);

        loaded.Should().BeEquivalentTo([models[0], models[2]]);
        scorers.Loads.Select(load => load.Model).Should().Equal(models[0], models[1], models[2], models[1]);
    }

    [Fact]
    public async Task A_model_that_is_larger_than_all_may_be_together_serves_all_the_same()
    {
        await using var host = NewHost(new ServingOptions { MostModelBytes = 10 });
        var model = AzuriteFixture.UniqueModel();
        await host.Get<ModelRegistry>().AddProductionAsync(model);

        await AskAsync(host, model, model);

        scorers.Loads.Should().ContainSingle();
    }

    [Fact]
    public async Task A_version_that_cannot_be_loaded_is_tried_ever_more_rarely_and_another_one_at_once()
    {
        await using var host = NewHost(new ServingOptions { StaleWait = TimeSpan.FromSeconds(20) });
        var model = AzuriteFixture.UniqueModel();
        await host.Get<ModelRegistry>().AddProductionAsync(model);
        await AskAsync(host, model);
        scorers.BeforeLoaded = version => version.Version == 2 ? throw new InputException("damaged") : Task.CompletedTask;
        await host.Get<ModelRegistry>().AddProductionAsync(model);

        var answers = new List<int>();
        for (var ten = 0; ten < 60; ten++)
        {
            // After so long a quiet the answer waits for the look at the alias.
            time.Advance(TimeSpan.FromSeconds(10));
            answers.Add(await VersionAsync(host, model));
        }
        var tries = scorers.Loads.Count(load => load.Version == 2);
        await host.Get<ModelRegistry>().AddProductionAsync(model);
        time.Advance(TimeSpan.FromSeconds(10));

        answers.Should().OnlyContain(version => version == 1);
        tries.Should().BeInRange(600 / 40, 40, "60 looks found the broken version, and pauses grow to between 15 and 30 seconds");
        (await VersionAsync(host, model)).Should().Be(3);
    }

    [Fact]
    public async Task A_version_whose_first_load_fails_is_tried_ever_more_rarely_while_its_callers_are_told_why_and_a_rollback_is_followed_at_once()
    {
        await using var host = NewHost(new ServingOptions());
        var model = AzuriteFixture.UniqueModel();
        await host.Get<ModelRegistry>().AddProductionAsync(model);
        await host.Get<ModelRegistry>().AddProductionAsync(model);
        scorers.BeforeLoaded = version => version.Version == 2 ? throw new InputException("damaged") : Task.CompletedTask;
        var faults = new List<Exception?>();

        for (var second = 0; second < 120; second++)
        {
            faults.Add(await Record.ExceptionAsync(() => VersionAsync(host, model)));
            faults.Add(await Record.ExceptionAsync(() => VersionAsync(host, model)));
            time.Advance(TimeSpan.FromSeconds(1));
        }
        var tries = scorers.Loads.Count;
        await host.Get<ModelRegistry>().RollbackAsync(model, from: 2, default);

        faults.Should().AllBeOfType<ModelLoadException>().And.OnlyContain(fault => fault!.Message.Contains("Version 2"));
        tries.Should().BeInRange(5, 16, "after 1, 2, 4, 8, 16 and then 30 seconds at most, each cut to between half and all of it");
        (await VersionAsync(host, model)).Should().Be(1);
    }

    [Fact]
    public async Task A_version_asked_for_by_number_that_cannot_be_loaded_is_tried_ever_more_rarely_and_serves_once_it_can_be()
    {
        await using var host = NewHost(new ServingOptions());
        var model = AzuriteFixture.UniqueModel();
        await host.Get<ModelRegistry>().AddProductionAsync(model);
        await host.Get<ModelRegistry>().AddProductionAsync(model);
        scorers.BeforeLoaded = version => version.Version == 1 ? throw new InputException("damaged") : Task.CompletedTask;
        Task<PredictionResult> AskAsync() => host.Get<ScoringService>().TryAsync(model, version: 1, OneRow[0], level: 0.9, everyClass: false, default);
        var faults = new List<Exception?>();

        for (var second = 0; second < 120; second++)
        {
            faults.Add(await Record.ExceptionAsync(AskAsync));
            faults.Add(await Record.ExceptionAsync(AskAsync));
            time.Advance(TimeSpan.FromSeconds(1));
        }
        var tries = scorers.Loads.Count;
        scorers.BeforeLoaded = _ => Task.CompletedTask;
        time.Advance(TimeSpan.FromSeconds(30));

        faults.Should().AllBeOfType<ModelLoadException>().And.OnlyContain(fault => fault!.Message.Contains("ersion 1"));
        tries.Should().BeInRange(5, 16, "after 1, 2, 4, 8, 16 and then 30 seconds at most, each cut to between half and all of it");
        (await AskAsync()).Should().BeOfType<PredictionResult.Predicted>().Which.Version.Should().Be(1);
    }

    private PipelineHost NewHost(ServingOptions options) => new(
        azurite, services => services.AddSingleton<TimeProvider>(time).AddSingleton<IScorerLoader>(scorers).AddSingleton(options).AddMlOpsServing());

    private async Task AskAsync(PipelineHost host, params IReadOnlyList<string> models)
    {
        foreach (var model in models)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            await VersionAsync(host, model);
        }
    }

    private static async Task<int> VersionAsync(PipelineHost host, string model) =>
        (await host.Get<PredictionService>().PredictAsync(model, OneRow, default)).Should().BeOfType<PredictionResult.Predicted>().Subject.Version;
}
