using Microsoft.Extensions.DependencyInjection;
using MlOps.Local.Engine;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Triggers;
using MlOps.Testing;

namespace MlOps.Serving.Tests.Triggers;

/// <summary>A host whose triggers look when the test says so, and whose runs stay queued.</summary>
internal sealed class TriggerHost(AzuriteFixture azurite, TimeProvider? time = null, Func<PipelineStorage, PipelineStorage>? storage = null) : IAsyncDisposable
{
    private readonly PipelineHost host = new(azurite, services =>
    {
        services.AddRemoteEngine().AddTriggers();
        services.AddSingleton(time ?? TimeProvider.System);
        if (storage is not null)
        {
            services.AddSingleton(storage(azurite.NewStorage()));
        }
    });

    public PipelineStorage Storage => host.Storage;

    public T Get<T>() where T : notnull => host.Get<T>();

    public Task LookAtFilesAsync() => host.Get<RawFileWatcher>().LookAsync(CancellationToken.None);

    public Task NoteAsync(string blob) => host.Get<RawFileArrivals>().NoteAsync(blob, CancellationToken.None);

    public async Task<IReadOnlyList<string>> NotesAsync() =>
        [.. (await host.Get<RawFileArrivals>().ListAsync(CancellationToken.None)).Select(note => note.Name)];

    public Task RemoveAsync(string blob) => Storage.Raw.DeleteBlobIfExistsAsync(blob);

    public Task LookAtClockAsync() => host.Get<ScheduleTrigger>().LookAsync(CancellationToken.None);

    public Task DefineAsync(string model, TriggerRules rules) =>
        host.Get<DefinitionStore>().PutAsync(new PipelineDefinition { Model = model, Target = "y", RunOn = rules }, CancellationToken.None);

    public Task DropAsync(string blob, string content = "a,y\n1,2\n") =>
        Storage.Raw.GetBlobClient(blob).UploadAsync(BinaryData.FromString(content), overwrite: true);

    /// <summary>Runs of a model, oldest first.</summary>
    public async Task<IReadOnlyList<Run>> RunsAsync(string model) =>
        [.. (await host.Get<RunStore>().ListAsync(model, 100, CancellationToken.None)).OrderBy(run => run.RunId, StringComparer.Ordinal)];

    public async ValueTask DisposeAsync()
    {
        foreach (var run in await host.Get<RunStore>().ListUnfinishedAsync(CancellationToken.None))
        {
            await host.Get<RunStore>().MarkEndedAsync(run.RunId, RunState.Cancelled, "the test is over", CancellationToken.None);
        }
        await host.DisposeAsync();
    }
}
