using System.Net;
using System.Net.Sockets;
using Azure.Core;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Data;

namespace MlOps.Web.Tests;

/// <summary>Storage that is not there.</summary>
internal static class Unreachable
{
    private const string AnyKey = "YW55IGtleQ==";

    /// <summary>Clients of a port of this machine.</summary>
    /// <param name="port">Where nothing answers.</param>
    /// <param name="retries">How often the clients try again; null: as often as they do by themselves.</param>
    public static PipelineStorage Storage(int port, int? retries = null)
    {
        var service = $"http://127.0.0.1:{port}/any";
        var connection = $"DefaultEndpointsProtocol=http;AccountName=any;AccountKey={AnyKey};BlobEndpoint={service};TableEndpoint={service}";
        var (blobs, tables) = (new BlobClientOptions(), new TableClientOptions());
        foreach (ClientOptions options in new ClientOptions[] { blobs, tables })
        {
            options.Retry.MaxRetries = retries ?? options.Retry.MaxRetries;
        }
        return new PipelineStorage(new BlobServiceClient(connection, blobs), new TableServiceClient(connection, tables));
    }

    /// <summary>A port where nobody listens.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
