using MlOps.Local.Hosting;

namespace MlOps.Local.Cli;

/// <summary>The services on storage, for a command that looks and points: of a running host when there is one, else started for the moment.</summary>
internal sealed class Visit : IAsyncDisposable
{
    private readonly LocalStorage storage;
    private readonly LocalHost host;

    private Visit(LocalStorage storage, LocalHost host) => (this.storage, this.host) = (storage, host);

    public IServiceProvider Services => host.Services;

    public static async Task<Visit> StartAsync(HostSettings settings, Terminal terminal, CancellationToken cancel)
    {
        var storage = await LocalStorage.ReachAsync(settings, terminal.Say, cancel);
        storage.Publish(url: null);
        return new Visit(storage, await LocalHost.StartAsync(settings, storage, HostParts.None, cancel));
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await storage.DisposeAsync();
    }
}
