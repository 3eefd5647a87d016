using System.ComponentModel;
using System.Security.Cryptography;
using Azure;
using Azure.Storage.Blobs.Models;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Deletion;

namespace MlOps.Web;

/// <summary>Uploads of raw files.</summary>
public static class RawApi
{
    private const int BlockBytes = 4 * 1024 * 1024;

    /// <summary>Tells one upload from another, in the blob's metadata.</summary>
    private const string Upload = "upload";

    /// <summary>
    /// Streams the body into the blob, a few blocks in memory at a time; the blob appears when the last byte has arrived, or not at all.
    /// </summary>
    public static async Task<IResult> PutAsync(
        string model, string file, HttpRequest request, PipelineStorage storage, RawFileArrivals arrivals, UploadOptions uploads, InputLimits limits,
        CancellationToken cancel)
    {
        if (Names.ProblemOfUpload(model, file) is { } problem)
        {
            return HttpProblems.BadRequest(problem);
        }
        if (request.ContentLength == 0)
        {
            return HttpProblems.BadRequest($"The body is empty. Send the file itself, such as curl -T {file} …/raw/{model}/.");
        }
        var most = Math.Min(uploads.MaxPutBytes ?? long.MaxValue, limits.FileBytes);
        if (request.ContentLength > most)
        {
            throw TooLarge();
        }
        using var hash = SHA256.Create();
        await using var content = new CryptoStream(new LimitedBody(request.Body, most, TooLarge), hash, CryptoStreamMode.Read, leaveOpen: true);
        var blob = storage.Raw.GetBlobClient($"{model}/{file}");
        await arrivals.NoteAsync(blob.Name, cancel);
        var upload = Guid.NewGuid().ToString("N");
        var before = (await blob.GetPropertiesAsync(cancellationToken: cancel).OrNullAsync())?.Value.ETag;
        var options = new BlobUploadOptions
        {
            TransferOptions = new() { InitialTransferSize = BlockBytes, MaximumTransferSize = BlockBytes, MaximumConcurrency = 2 },
            Metadata = new Dictionary<string, string> { [Upload] = upload },
            // Each state of a file has a run of its own: where the answer gets lost, asking again must not make another.
            Conditions = before is { } state ? new BlobRequestConditions { IfMatch = state } : new BlobRequestConditions { IfNoneMatch = ETag.All },
        };
        var isStored = await blob.UploadAsync(content, options, cancel).WinsAsync();
        var properties = (await blob.GetPropertiesAsync(cancellationToken: cancel).OrNullAsync())?.Value;
        if (properties is null || !(isStored || IsOwn(properties, upload)))
        {
            return HttpProblems.Conflict($"{model}/{file} was changed, or moved away, while this upload came in. Send it again if it is to stay.");
        }
        var url = $"/raw/{model}/{Uri.EscapeDataString(file)}";
        request.HttpContext.Response.Headers.ETag = properties.ETag.ToString("H");
        return TypedResults.Created(
            url, new UploadedFile($"raw/{model}/{file}", properties.ContentLength, Convert.ToHexStringLower(hash.Hash!), $"/pipelines/{model}/runs"));

        BadHttpRequestException TooLarge() => new(
            most < limits.FileBytes ? LargeForHostSentence(model, file, most) : RequestLimits.LargeFileSentence(limits),
            StatusCodes.Status413PayloadTooLarge);
    }

    public static Task<IResult> ListAsync(
        [Description(PageQuery.TakeWords)] string? take, [Description(PageQuery.NextWords)] string? next, PipelineStorage storage, CancellationToken cancel) =>
        ListAsync(prefix: null, PageQuery.Of(take, next), storage, cancel);

    public static Task<IResult> ListOfModelAsync(
        string model,
        [Description(PageQuery.TakeWords)] string? take,
        [Description(PageQuery.NextWords)] string? next,
        PipelineStorage storage,
        CancellationToken cancel) =>
        Names.IsModel(model)
            ? ListAsync($"{model}/", PageQuery.Of(take, next), storage, cancel)
            : Task.FromResult(HttpProblems.BadRequest($"The model name '{model}' in the URL must be {ModelName.Rule}."));

    private static async Task<IResult> ListAsync(string? prefix, PageQuery query, PipelineStorage storage, CancellationToken cancel)
    {
        var page = await storage.Raw.ListAsync(prefix, query.Take, query.Next, cancel);
        return TypedResults.Ok(new RawFileList(
            [.. page.Items.Select(blob => new RawFileView($"raw/{blob.Name}", blob.Properties.ContentLength ?? 0, blob.Properties.LastModified ?? default))],
            page.Next));
    }

    public static async Task<IResult> DeleteAsync(string model, string file, RawFileDeletion files, CancellationToken cancel)
    {
        var isFile = Names.IsModel(model) && Names.ProblemOfSource(model, $"raw/{model}/{file}") is null;
        return Deletions.Answer(
            isFile ? await files.DeleteAsync(model, file, cancel) : DeletionResult.Unknown,
            () => HttpProblems.NotFound($"There is no uploaded file 'raw/{model}/{file}'."));
    }

    private static string LargeForHostSentence(string model, string file, long most) =>
        $"The file is larger than the {most:N0} bytes that this host takes in one request. POST /raw/{model}/{Uri.EscapeDataString(file)}/upload-url "
            + "gives an address to which files of any size are uploaded.";

    private static bool IsOwn(BlobProperties stored, string upload) => stored.Metadata.TryGetValue(Upload, out var by) && by == upload;
}

/// <summary>Uploaded files, by name.</summary>
/// <param name="Files">This page of them.</param>
/// <param name="Next">Where the list goes on; left out at its end.</param>
public sealed record RawFileList(IReadOnlyList<RawFileView> Files, string? Next);

/// <summary>An uploaded file in a list.</summary>
/// <param name="Source">Its name as a run's source.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Modified">When it came to be as it is.</param>
public sealed record RawFileView(string Source, long Bytes, DateTimeOffset Modified);

/// <summary>An uploaded raw file.</summary>
/// <param name="Source">Its name as a run's source.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">Hash of its content, in hex.</param>
/// <param name="Runs">POST here to start a run.</param>
public sealed record UploadedFile(string Source, long Bytes, string Sha256, string Runs);
