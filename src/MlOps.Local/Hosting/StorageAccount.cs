using Azure.Data.Tables;
using Azure.Identity;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Data;

namespace MlOps.Local.Hosting;

/// <summary>What <c>--storage</c> names: an account by its connection string, or by its blob address, where this process's identity signs in.</summary>
internal static class StorageAccount
{
    private const string BlobHost = ".blob.";
    private const string TableHost = ".table.";

    /// <exception cref="FormatException">It is neither.</exception>
    public static PipelineStorage Connect(string storage, BlobClientOptions blobs, TableClientOptions tables)
    {
        if (EndpointsOf(storage) is not var (blobAddress, tableAddress))
        {
            return new PipelineStorage(new BlobServiceClient(storage, blobs), new TableServiceClient(storage, tables));
        }
        // In Azure the managed identity that AZURE_CLIENT_ID names; at a desk, whoever is signed in with az or azd.
        var identity = new DefaultAzureCredential();
        return new PipelineStorage(new BlobServiceClient(blobAddress, identity, blobs), new TableServiceClient(tableAddress, identity, tables));
    }

    /// <summary>Null when it is no address, and so a connection string.</summary>
    /// <exception cref="FormatException">An address of something else, or without TLS, over which no identity's token may go.</exception>
    internal static (Uri Blobs, Uri Tables)? EndpointsOf(string storage)
    {
        if (!Uri.TryCreate(storage, UriKind.Absolute, out var address) || address.Scheme is not ("https" or "http"))
        {
            return null;
        }
        return address.Scheme == "https" && address.Host.Contains(BlobHost, StringComparison.OrdinalIgnoreCase) && address is { AbsolutePath: "/", Query: "" }
            ? (address, new UriBuilder(address) { Host = address.Host.Replace(BlobHost, TableHost, StringComparison.OrdinalIgnoreCase) }.Uri)
            : throw new FormatException("an address must be the account's blob address, such as https://NAME.blob.core.windows.net.");
    }
}
