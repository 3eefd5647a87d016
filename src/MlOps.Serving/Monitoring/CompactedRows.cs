using Azure;
using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Serving.Monitoring;

/// <summary>The rows of a key in compacted blobs of the prediction log.</summary>
public sealed class CompactedRows(PipelineStorage storage, DuckDb duckDb, PipelineOptions options)
{
    private const int MostTries = 5;

    /// <summary>Writes the key's lines as they were logged; returns their number, or null when the blob is gone.</summary>
    internal Task<long?> WriteAsync(LogBlob blob, string key, Stream output, CancellationToken cancel) => InFolderAsync(
        async folder => await DownloadAsync(blob, folder, cancel) is { } file
            ? await Task.Run(() => Write(file.Path, key, output, cancel), cancel)
            : (long?)null);

    /// <summary>Writes the blob again without the key's rows, as it was read and in one write; returns their number, and what the blob is then.</summary>
    internal Task<(long Rows, ETag State)> DeleteAsync(LogBlob blob, string key, CancellationToken cancel) => InFolderAsync(async folder =>
    {
        for (var tries = 1; ; tries++)
        {
            if (await DownloadAsync(blob, folder, cancel) is not { } file)
            {
                return (0L, default);
            }
            var kept = Path.Combine(folder, "kept.parquet");
            var rows = await Task.Run(() => Keep(file.Path, key, kept, cancel), cancel);
            if (rows == 0)
            {
                return (0L, file.State);
            }
            var onlyThis = new BlobUploadOptions
            {
                Conditions = new BlobRequestConditions { IfMatch = file.State },
                HttpHeaders = PredictionBlobs.CompactedHeaders,
                Metadata = file.Metadata,
            };
            try
            {
                return (rows, (await storage.Predictions.GetBlobClient(blob.Name).UploadAsync(kept, onlyThis, cancel)).Value.ETag);
            }
            catch (RequestFailedException changed) when (changed.Status is 409 or 412 && tries < MostTries)
            {
                // Somebody else has deleted rows of it meanwhile.
            }
        }
    });

    private async Task<(string Path, ETag State, IDictionary<string, string> Metadata)?> DownloadAsync(LogBlob blob, string folder, CancellationToken cancel)
    {
        var client = storage.Predictions.GetBlobClient(blob.Name);
        if (await client.GetPropertiesAsync(cancellationToken: cancel).OrNullAsync() is not { Value: { } found })
        {
            return null;
        }
        var path = Path.Combine(folder, "rows.parquet");
        var onlyThis = new BlobDownloadToOptions { Conditions = new BlobRequestConditions { IfMatch = found.ETag } };
        try
        {
            await client.DownloadToAsync(path, onlyThis, cancel);
            return (path, found.ETag, found.Metadata);
        }
        catch (RequestFailedException changed) when (changed.Status is 404 or 412)
        {
            return await DownloadAsync(blob, folder, cancel);
        }
    }

    private long Write(string path, string key, Stream output, CancellationToken cancel)
    {
        using var session = duckDb.Open(cancel);
        var rows = 0L;
        session.Read(
            $"SELECT {LoggedSql.Whole} FROM read_parquet({Sql.File(path)}) WHERE {Sql.Name(LoggedRow.Key)} = {Sql.Text(key)}",
            (vectors, count) =>
            {
                for (var i = 0; i < count; i++)
                {
                    output.Write(vectors[0].Utf8(i));
                    output.WriteByte((byte)'\n');
                }
                rows += count;
            });
        return rows;
    }

    private long Keep(string path, string key, string kept, CancellationToken cancel)
    {
        using var session = duckDb.Open(cancel);
        var (from, column, value) = ($"read_parquet({Sql.File(path)})", Sql.Name(LoggedRow.Key), Sql.Text(key));
        var rows = session.Count($"SELECT count(*) FROM {from} WHERE {column} = {value}");
        if (rows > 0)
        {
            session.Copy($"SELECT * FROM {from} WHERE {column} IS DISTINCT FROM {value}", kept, LoggedSql.Compression);
        }
        return rows;
    }

    private async Task<T> InFolderAsync<T>(Func<string, Task<T>> work)
    {
        var folder = Path.Combine(options.WorkFolder, "live", Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        try
        {
            return await work(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
