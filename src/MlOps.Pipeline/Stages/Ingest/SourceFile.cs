using System.Security.Cryptography;
using Azure;
using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>A raw file on this machine: the user's own, or a download that is deleted afterwards.</summary>
internal sealed class SourceFile : IDisposable
{
    private readonly bool downloaded;

    private SourceFile(string path, string name, bool downloaded)
    {
        Path = path;
        Name = name;
        this.downloaded = downloaded;
    }

    public string Path { get; }

    /// <summary>The name to use in messages to the user.</summary>
    public string Name { get; }

    /// <summary>Opens <c>raw/{model}/{file}</c> from blob storage, anything else as a local path.</summary>
    /// <exception cref="InputException">There is no such file.</exception>
    public static Task<SourceFile> OpenAsync(string source, PipelineStorage storage, PipelineOptions options, CancellationToken cancel) =>
        OpenAsync(source, etag: null, storage, options, cancel);

    /// <inheritdoc cref="OpenAsync(string, PipelineStorage, PipelineOptions, CancellationToken)"/>
    /// <param name="source">Where it is.</param>
    /// <param name="etag">The state of the blob that is asked for; null: any.</param>
    /// <param name="storage">The storage.</param>
    /// <param name="options">Names the folder for the download.</param>
    /// <param name="cancel">Stops the download.</param>
    /// <exception cref="InputException">There is no such file, or it was overwritten.</exception>
    public static async Task<SourceFile> OpenAsync(
        string source, string? etag, PipelineStorage storage, PipelineOptions options, CancellationToken cancel)
    {
        const string BlobPrefix = "raw/";
        if (!source.StartsWith(BlobPrefix, StringComparison.Ordinal))
        {
            return OpenLocal(source);
        }
        var folder = System.IO.Path.Combine(options.WorkFolder, "incoming");
        Directory.CreateDirectory(folder);
        var path = System.IO.Path.Combine(folder, Guid.NewGuid().ToString("N"));
        var isHere = false;
        var wanted = new BlobDownloadToOptions { Conditions = etag is null ? null : new BlobRequestConditions { IfMatch = new ETag(etag) } };
        try
        {
            await storage.Raw.GetBlobClient(source[BlobPrefix.Length..]).DownloadToAsync(path, wanted, cancel);
            isHere = true;
            return new SourceFile(path, source[BlobPrefix.Length..], downloaded: true);
        }
        catch (RequestFailedException missing) when (missing.Status == 404)
        {
            throw new InputException($"There is no blob {source}. Upload it with PUT /raw/{{model}}/{{file}}.");
        }
        catch (RequestFailedException other) when (other.Status == 412 && etag is not null)
        {
            throw new InputException($"{source} was overwritten after this run was asked for. Where new files start runs, the newer file has a run of its own; "
                + "else start a run on it.");
        }
        finally
        {
            if (!isHere)
            {
                File.Delete(path);
            }
        }
    }

    /// <exception cref="InputException">There is no such file.</exception>
    public static SourceFile OpenLocal(string path) => File.Exists(path)
        ? new SourceFile(path, System.IO.Path.GetFileName(path), downloaded: false)
        : throw new InputException($"The file {path} does not exist. Check the path.");

    /// <summary>SHA-256 of the file as it is, 64 hex digits.</summary>
    public async Task<string> HashAsync(CancellationToken cancel)
    {
        await using var content = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 20);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancel));
    }

    public void Dispose()
    {
        if (downloaded)
        {
            File.Delete(Path);
        }
    }
}
