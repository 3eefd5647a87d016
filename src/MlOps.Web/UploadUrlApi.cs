using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;
using Azure.Storage.Sas;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using MlOps.Pipeline.Data;

namespace MlOps.Web;

/// <summary>Addresses to which large files are uploaded past the host, which would hold them in memory.</summary>
public static class UploadUrlApi
{
    /// <summary>Clocks differ: an address is good already when the service's is behind ours.</summary>
    private static readonly TimeSpan ClocksDiffer = TimeSpan.FromMinutes(5);

    public static async Task<IResult> PostAsync(
        string model, string file, HttpRequest request, PipelineStorage storage, RawFileArrivals arrivals, UploadOptions options, TimeProvider time,
        CancellationToken cancel)
    {
        if (Names.ProblemOfUpload(model, file) is { } problem)
        {
            return HttpProblems.BadRequest(problem);
        }
        // It opens storage to whoever reads it.
        request.HttpContext.Response.Headers.CacheControl = "no-store";
        var source = $"raw/{model}/{file}";
        if (options.ThroughHost)
        {
            var here = UriHelper.BuildAbsolute(request.Scheme, request.Host, request.PathBase, $"/raw/{model}/{file}");
            return TypedResults.Ok(new UploadUrl(here, "PUT", new Dictionary<string, string>(), source, Expires: null));
        }
        var now = time.GetUtcNow();
        var expires = now + options.UrlLife;
        var blob = storage.Raw.GetBlobClient($"{model}/{file}");
        var url = await SignAsync(blob, storage.Raw, now - ClocksDiffer, expires, cancel);
        await arrivals.NoteAsync(blob.Name, cancel);
        Auditing.Tell(request.HttpContext, from: null, $"until {expires.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}");
        return TypedResults.Ok(new UploadUrl(url.AbsoluteUri, "PUT", new Dictionary<string, string> { ["x-ms-blob-type"] = "BlockBlob" }, source, expires));
    }

    /// <summary>
    /// For this one blob, to create and write it: neither to read nor to delete it. With the account's key, or by who the host is to Entra ID.
    /// </summary>
    private static async Task<Uri> SignAsync(
        BlobClient blob, BlobContainerClient container, DateTimeOffset from, DateTimeOffset until, CancellationToken cancel)
    {
        var address = new BlobSasBuilder(BlobSasPermissions.Create | BlobSasPermissions.Write, until)
        {
            BlobContainerName = blob.BlobContainerName,
            BlobName = blob.Name,
            Resource = "b",
            StartsOn = from,
            Protocol = blob.Uri.Scheme == Uri.UriSchemeHttps ? SasProtocol.Https : SasProtocol.HttpsAndHttp,
        };
        if (blob.CanGenerateSasUri)
        {
            return blob.GenerateSasUri(address);
        }
        var key = await container.GetParentBlobServiceClient().GetUserDelegationKeyAsync(from, until, cancel);
        return new BlobUriBuilder(blob.Uri) { Sas = address.ToSasQueryParameters(key.Value, blob.AccountName) }.ToUri();
    }
}

/// <summary>Where and how a file is uploaded.</summary>
/// <param name="Url">The address. Whoever has it may write this one file.</param>
/// <param name="Method">The HTTP method.</param>
/// <param name="Headers">Headers to send along.</param>
/// <param name="Source">The file's name as a run's source.</param>
/// <param name="Expires">Until when an upload may begin; left out when the address is this host's own, which asks for a key as ever.</param>
public sealed record UploadUrl(string Url, string Method, IReadOnlyDictionary<string, string> Headers, string Source, DateTimeOffset? Expires);
