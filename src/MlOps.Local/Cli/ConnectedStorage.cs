using MlOps.Local.Hosting;

namespace MlOps.Local.Cli;

/// <summary>
/// Storage and the services on it, for a command that looks and points and works on no run: the storage of a running host when there is one,
/// else started for the moment.
/// </summary>
internal sealed class ConnectedStorage : IAsyncDisposable
{
    private readonly LocalStorage storage;
    private readonly LocalHost host;

    private ConnectedStorage(LocalStorage storage, LocalHost host) => (this.storage, this.host) = (storage, host);

    public IServiceProvider Services => host.Services;

    public static async Task<ConnectedStorage> OpenAsync(HostSettings settings, Terminal terminal, CancellationToken cancel)
    {
        var storage = await LocalStorage.ReachAsync(settings, terminal.Say, cancel);
        storage.Publish(url: null);
        return new ConnectedStorage(storage, await LocalHost.StartAsync(settings, storage, HostParts.None, cancel));
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await storage.DisposeAsync();
    }
}
