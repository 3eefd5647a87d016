using Azure;
using Azure.Data.Tables;
using Azure.Identity;
using Azure.Storage.Blobs;
using MlOps.Local.Storage;
using MlOps.Pipeline.Data;

namespace MlOps.Local.Hosting;

/// <summary>What <c>--storage</c> names: an account by its connection string, or by its blob address, where this process's identity signs in.</summary>
internal static class StorageAccount
{
    private const string BlobHost = ".blob.";
    private const string TableHost = ".table.";

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <param name="storage">The account.</param>
    /// <param name="option">What it was given with.</param>
    /// <param name="blobs">How blobs are asked for.</param>
    /// <param name="tables">How tables are asked for.</param>
    /// <exception cref="EnvironmentProblemException">It names no account.</exception>
    public static PipelineStorage Connect(string storage, string option, BlobClientOptions blobs, TableClientOptions tables)
    {
        try
        {
            return Connect(storage, blobs, tables);
        }
        catch (Exception malformed) when (malformed is FormatException or ArgumentException or InvalidOperationException)
        {
            throw new EnvironmentProblemException($"What was given with {option} cannot be used: {malformed.Message}", malformed);
        }
    }

    /// <summary>Makes the containers and tables that are missing.</summary>
    /// <exception cref="EnvironmentProblemException">The account does not answer.</exception>
    public static async Task EnsureAnsweringAsync(PipelineStorage storage, string option, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(LongestWait);
        try
        {
            await storage.EnsureCreatedAsync(deadline.Token);
        }
        catch (Exception fault) when (
            fault is RequestFailedException or AggregateException or AuthenticationFailedException
                or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            var reason = fault switch
            {
                RequestFailedException { ErrorCode: { Length: > 0 } code } => code,
                AuthenticationFailedException => "no identity could sign in",
                _ => "it cannot be reached",
            };
            throw new EnvironmentProblemException($"The storage does not answer ({reason}): check what was given with {option}.", fault);
        }
    }

    /// <exception cref="FormatException">It is neither.</exception>
    internal static PipelineStorage Connect(string storage, BlobClientOptions blobs, TableClientOptions tables)
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
