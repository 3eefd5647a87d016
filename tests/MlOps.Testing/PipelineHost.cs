using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages;
using MlOps.Pipeline.Tracking;

namespace MlOps.Testing;

/// <summary>The pipeline's services on the fixture's storage, with a work folder of its own; what a host is without HTTP.</summary>
public sealed class PipelineHost : IAsyncDisposable
{
    private readonly ServiceProvider services;

    /// <param name="azurite">The assembly's storage.</param>
    /// <param name="configure">Adds to, or replaces, the pipeline's services.</param>
    public PipelineHost(AzuriteFixture azurite, Action<IServiceCollection>? configure = null)
    {
        WorkFolder = Directory.CreateTempSubdirectory("mlops-work-").FullName;
        var collection = new ServiceCollection()
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning))
            .AddMlOpsPipeline()
            .AddSingleton<IPipelineEngine, InlineEngine>()
            .AddSingleton(azurite.NewStorage())
            .AddSingleton(new PipelineOptions { WorkFolder = WorkFolder, Threads = 1, MostTrainingsTogether = Tests });
        configure?.Invoke(collection);
        services = collection.BuildServiceProvider();
    }

    /// <summary>Tests share a storage, and none waits for another's trainings.</summary>
    private const int Tests = 1_000;

    public string WorkFolder { get; }

    public PipelineStorage Storage => Get<PipelineStorage>();

    public T Get<T>() where T : notnull => services.GetRequiredService<T>();

    /// <summary>Writes a file into the work folder and returns its path.</summary>
    public string WriteFile(string name, string content)
    {
        var path = Path.Combine(WorkFolder, name);
        File.WriteAllText(path, content);
        return path;
    }

    /// <summary>Stores a definition and runs it on a file to its end.</summary>
    public async Task<RunDetails> RunAsync(PipelineDefinition definition, string path)
    {
        await Get<DefinitionStore>().PutAsync(definition, CancellationToken.None);
        var run = await Get<RunStarter>().StartAsync(definition.Model, path, "test", CancellationToken.None);
        return (await Get<RunStore>().FindDetailsAsync(run.RunId, CancellationToken.None))!;
    }

    /// <summary>The context of a stage that a test calls by itself.</summary>
    public StageContext Context(Run run, string key = "") => Context(run.RunId, run.DefinitionId, key);

    /// <inheritdoc cref="Context(Run, string)"/>
    public StageContext Context(string runId, string definitionId = "", string key = "") =>
        new(runId, key, definitionId, Get<DefinitionStore>(), Get<RunStore>());

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        Directory.Delete(WorkFolder, recursive: true);
    }
}
