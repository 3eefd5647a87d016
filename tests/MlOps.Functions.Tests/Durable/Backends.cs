using DurableTask.AzureStorage;
using DurableTask.Core;
using Microsoft.DurableTask.Testing.Sidecar;
using Microsoft.Extensions.Logging.Abstractions;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Durable;

/// <summary>What keeps orchestrations in a test.</summary>
internal static class Backends
{
    public static IOrchestrationService InMemory() => new InMemoryOrchestrationService(NullLoggerFactory.Instance);

    /// <summary>The backend that Durable Functions has by default. Hosts with the same hub name share their runs.</summary>
    public static Task<IOrchestrationService> AzureStorageAsync(AzuriteFixture azurite, string? hub = null) =>
        AzureStorageAsync(azurite.ConnectionString, hub);

    /// <param name="connection">Where the hub is.</param>
    /// <param name="hub">Its name; null: a new one.</param>
    /// <param name="visibility">Seconds after which a message is taken up again that somebody took and did not finish.</param>
    /// <param name="activities">Most activities of a worker at a time; null: the backend's default.</param>
    public static async Task<IOrchestrationService> AzureStorageAsync(string connection, string? hub = null, int visibility = 10, int? activities = null)
    {
        var settings = new AzureStorageOrchestrationServiceSettings
        {
            TaskHubName = hub ?? NewHub(),
            StorageAccountClientProvider = new StorageAccountClientProvider(connection),
            PartitionCount = 1,
            ControlQueueVisibilityTimeout = TimeSpan.FromSeconds(visibility),
            WorkItemQueueVisibilityTimeout = TimeSpan.FromSeconds(visibility),
            MaxQueuePollingInterval = TimeSpan.FromMilliseconds(500),
            LeaseAcquireInterval = TimeSpan.FromSeconds(1),
            LeaseInterval = TimeSpan.FromSeconds(15),
            LeaseRenewInterval = TimeSpan.FromSeconds(5),
        };
        settings.MaxConcurrentTaskActivityWorkItems = activities ?? settings.MaxConcurrentTaskActivityWorkItems;
        var service = new AzureStorageOrchestrationService(settings);
        await service.CreateIfNotExistsAsync();
        return service;
    }

    public static string NewHub() => "Hub" + Guid.NewGuid().ToString("N")[..10];
}
