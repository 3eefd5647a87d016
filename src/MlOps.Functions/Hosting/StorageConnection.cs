using Azure.Core;
using Azure.Data.Tables;
using Azure.Identity;
using Azure.Storage.Blobs;
using Microsoft.Extensions.Configuration;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Functions.Hosting;

/// <summary>
/// The storage account of setting <c>AzureWebJobsStorage</c>, as the host reads it: a connection string, or the addresses
/// <c>AzureWebJobsStorage__blobServiceUri</c> and <c>__tableServiceUri</c> (or <c>__accountName</c>) that the app's identity may use, with
/// <c>__clientId</c> where it is a user-assigned one.
/// </summary>
internal static class StorageConnection
{
    private const string Setting = "AzureWebJobsStorage";

    /// <exception cref="InputException">The setting is missing, or no connection.</exception>
    public static PipelineStorage Connect(IConfiguration configuration)
    {
        if (configuration[Setting] is { Length: > 0 } connectionString)
        {
            return Connect(connectionString);
        }
        var section = configuration.GetSection(Setting);
        var blobs = AddressOf(section, "blob");
        var tables = AddressOf(section, "table");
        var identity = Identity(section["clientId"]);
        return new PipelineStorage(
            new BlobServiceClient(blobs, identity, StorageSpans.AddTo(new BlobClientOptions())),
            new TableServiceClient(tables, identity, StorageSpans.AddTo(new TableClientOptions())));
    }

    private static PipelineStorage Connect(string connectionString)
    {
        try
        {
            return new PipelineStorage(
                new BlobServiceClient(connectionString, StorageSpans.AddTo(new BlobClientOptions())),
                new TableServiceClient(connectionString, StorageSpans.AddTo(new TableClientOptions())));
        }
        catch (Exception malformed) when (malformed is FormatException or ArgumentException or InvalidOperationException)
        {
            throw new InputException($"The setting {Setting} is no connection string of a storage account.", malformed);
        }
    }

    private static Uri AddressOf(IConfigurationSection section, string service)
    {
        var address = section[$"{service}ServiceUri"]
            ?? (section["accountName"] is { Length: > 0 } account ? $"https://{account}.{service}.core.windows.net" : null);
        return Uri.TryCreate(address, UriKind.Absolute, out var uri)
            ? uri
            : throw new InputException($"Set {Setting} (a connection string), or {Setting}__{service}ServiceUri for access by managed identity.");
    }

    /// <summary>The identity that a client id names, else whichever this process has.</summary>
    internal static TokenCredential Identity(string? clientId) =>
        clientId is { Length: > 0 } ? new ManagedIdentityCredential(ManagedIdentityId.FromUserAssignedClientId(clientId)) : new DefaultAzureCredential();
}
