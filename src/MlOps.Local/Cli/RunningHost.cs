using MlOps.Local.Hosting;
using MlOps.Local.Storage;

namespace MlOps.Local.Cli;

/// <summary>A whole host with its storage, from start to orderly end.</summary>
internal sealed class RunningHost : IAsyncDisposable
{
    private readonly LocalStorage storage;
    private readonly LocalHost host;

    private RunningHost(LocalStorage storage, LocalHost host) => (this.storage, this.host) = (storage, host);

    public Uri Url => host.Url!;

    /// <summary>What opens it for the commands of this machine; null when nothing is needed.</summary>
    public string? MachineKey => host.MachineKey;

    public IServiceProvider Services => host.Services;

    public static async Task<RunningHost> StartAsync(HostSettings settings, Terminal terminal, CancellationToken cancel)
    {
        LocalHost.CheckPort(settings.Listen, settings.Port);
        var storage = await WarmStart.WhileAsync(LocalStorage.OwnAsync(settings, terminal.Say, cancel), cancel);
        try
        {
            var host = new RunningHost(storage, await LocalHost.StartAsync(settings, storage, settings.ServeOnly ? HostParts.Web : HostParts.All, cancel));
            storage.Publish(host.Url, host.MachineKey);
            return host;
        }
        catch
        {
            await storage.DisposeAsync();
            throw;
        }
    }

    /// <summary>Returns when the host is told to stop.</summary>
    /// <exception cref="EnvironmentProblemException">Its storage ended before.</exception>
    public async Task WaitForStopAsync(CancellationToken cancel)
    {
        var stopped = Task.Delay(Timeout.InfiniteTimeSpan, cancel);
        if (await Task.WhenAny(stopped, storage.Ended) != stopped)
        {
            throw new EnvironmentProblemException(
                $"{storage.Problem ?? "Embedded storage (Azurite) ended unexpectedly."} Start again: nothing that was answered is lost, "
                + "and runs go on where they were.");
        }
    }

    /// <summary>The host first: what it still has to store needs its storage.</summary>
    public async ValueTask DisposeAsync()
    {
        await (storage.Ended.IsCompleted ? host.AbandonAsync() : host.DisposeAsync());
        await storage.DisposeAsync();
    }
}
