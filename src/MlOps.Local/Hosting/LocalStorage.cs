using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Local.Storage;
using MlOps.Pipeline.Data;

namespace MlOps.Local.Hosting;

/// <summary>The storage that a command works on: an Azurite of its own, that of the host which has the data folder, or a storage account.</summary>
public sealed class LocalStorage : IAsyncDisposable
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <summary>Somebody waits for the first answer.</summary>
    private const int FewRetries = 1;

    private const string Option = "--storage";

    private readonly DataFolder? folder;
    private readonly AzuriteProcess? azurite;

    private LocalStorage(string connectionString, string workFolder, DataFolder? folder, AzuriteProcess? azurite, HostConnection? host) =>
        (ConnectionString, WorkFolder, this.folder, this.azurite, Host) = (connectionString, workFolder, folder, azurite, host);

    public string ConnectionString { get; }

    public string WorkFolder { get; }

    /// <summary>True when this process has the data folder, and so works on runs; else <see cref="Host"/> does.</summary>
    public bool IsOwner => folder is not null;

    /// <summary>True when no other process can be on this storage.</summary>
    public bool IsExclusive => azurite is not null;

    /// <summary>The running host that has the data folder instead.</summary>
    public HostConnection? Host { get; }

    /// <summary>Ends when embedded storage does, which it should not before it is disposed.</summary>
    public Task Ended => azurite?.Ended ?? Task.Delay(Timeout.InfiniteTimeSpan);

    /// <summary>Why embedded storage ended, where it said so.</summary>
    public string? Problem => azurite?.Problem;

    /// <summary>Takes the data folder for this process, and starts embedded storage in it unless a storage account is given.</summary>
    /// <exception cref="EnvironmentProblemException">Another process has the folder, or storage does not start or answer.</exception>
    public static async Task<LocalStorage> OwnAsync(HostSettings settings, Action<string> progress, CancellationToken cancel)
    {
        var folder = DataFolder.Open(settings.DataFolder);
        try
        {
            return await OwnAsync(folder, settings, progress, cancel);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Takes the data folder when it is free, else goes to the storage of the host that has it.</summary>
    public static async Task<LocalStorage> OwnOrJoinAsync(HostSettings settings, Action<string> progress, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(LongestWait);
        while (true)
        {
            if (settings.Storage is null && DataFolder.FindHost(settings.DataFolder) is { } host)
            {
                return Join(settings, host);
            }
            try
            {
                return await OwnAsync(settings, progress, cancel);
            }
            catch (FolderInUseException) when (!deadline.IsCancellationRequested && settings.Storage is null)
            {
                // Its owner is only just starting, or ending.
                await Task.Delay(TimeSpan.FromMilliseconds(200), cancel);
            }
        }
    }

    /// <summary>For commands that look and point, and work on no run: a given storage account is used whoever else is on it.</summary>
    public static async Task<LocalStorage> ReachAsync(HostSettings settings, Action<string> progress, CancellationToken cancel)
    {
        if (settings.Storage is null)
        {
            return await OwnOrJoinAsync(settings, progress, cancel);
        }
        var reached = new LocalStorage(settings.Storage, TemporaryWorkFolder(), folder: null, azurite: null, host: null);
        await reached.EnsureAnsweringAsync(cancel);
        return reached;
    }

    /// <summary>Tells other commands how to reach this process. The key of a storage account is not written down.</summary>
    public void Publish(Uri? url, string? key = null) =>
        folder?.Publish(new HostConnection(Environment.ProcessId, azurite?.ConnectionString, url?.ToString().TrimEnd('/'), key));

    /// <summary>New clients of the storage.</summary>
    public PipelineStorage Connect() => Connect(StorageSpans.AddTo(new BlobClientOptions()), StorageSpans.AddTo(new TableClientOptions()));

    private PipelineStorage Connect(BlobClientOptions blobs, TableClientOptions tables) =>
        StorageAccount.Connect(ConnectionString, Option, blobs, tables);

    public async ValueTask DisposeAsync()
    {
        if (azurite is not null)
        {
            await azurite.DisposeAsync();
        }
        if (folder is null && Directory.Exists(WorkFolder))
        {
            Directory.Delete(WorkFolder, recursive: true);
        }
        folder?.Dispose();
    }

    private static async Task<LocalStorage> OwnAsync(DataFolder folder, HostSettings settings, Action<string> progress, CancellationToken cancel)
    {
        folder.ClearWork();
        var journal = new JournalOptions { Durable = settings.Durable };
        var azurite = settings.Storage is null ? await AzuriteProcess.StartAsync(folder.AzuriteFolder, journal, progress, cancel) : null;
        var storage = new LocalStorage(settings.Storage ?? azurite!.ConnectionString, folder.WorkFolder, folder, azurite, host: null);
        try
        {
            await storage.EnsureAnsweringAsync(cancel);
            return storage;
        }
        catch
        {
            await storage.DisposeAsync();
            throw;
        }
    }

    private static LocalStorage Join(HostSettings settings, HostConnection host) => host.Storage is { } storage
        ? new LocalStorage(storage, TemporaryWorkFolder(), folder: null, azurite: null, host)
        : throw new EnvironmentProblemException(
            $"The host on data folder {Path.GetFullPath(settings.DataFolder)} (pid {host.ProcessId}) uses a storage account: "
            + "pass the same --storage and another --data.");

    private static string TemporaryWorkFolder() => Path.Combine(Path.GetTempPath(), $"mlops-work-{Guid.NewGuid():N}");

    private async Task EnsureAnsweringAsync(CancellationToken cancel)
    {
        await StorageAccount.EnsureAnsweringAsync(
            Connect(new BlobClientOptions { Retry = { MaxRetries = FewRetries } }, new TableClientOptions { Retry = { MaxRetries = FewRetries } }), Option,
            cancel);
    }
}
