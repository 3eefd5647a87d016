using System.Security.Cryptography;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Data;

/// <summary>
/// Results of work that is named by what it was made from, so that the same work is found instead of done again. Files are stored under names
/// of their content; the manifest that names them is written last, and only once: a result is there whole or not at all, whoever dies, and
/// its bytes never change. Of two writers at the same moment one wins, and both go on with its result.
/// </summary>
/// <param name="container">Where they are.</param>
public sealed class ContentStore(BlobContainerClient container)
{
    /// <summary>The manifest of that name, or null when the work is not done.</summary>
    public async Task<T?> FindAsync<T>(string manifest, CancellationToken cancel)
        where T : class, IStored => await container.FindContentAsync(manifest, cancel) is { } content ? Stored.Read<T>(content.ToString()) : null;

    /// <summary>Writes a manifest whose files are stored.</summary>
    /// <returns>The manifest that counts: this one, or that of a writer who was faster.</returns>
    public async Task<T> CommitAsync<T>(string manifest, T content, CancellationToken cancel)
        where T : class, IStored =>
        await container.TryAddAsync(manifest, BinaryData.FromString(Json.Write(content)), cancel) ? content : await FindAsync<T>(manifest, cancel) ?? content;

    /// <summary>Stores files that belong together side by side, in a folder named by their content. The same again is the same folder.</summary>
    /// <returns>The folder.</returns>
    public async Task<string> StoreAsync(string prefix, IReadOnlyDictionary<string, BinaryData> files, CancellationToken cancel)
    {
        var folder = $"{prefix}/{HashOf(files)}";
        await Task.WhenAll(files.Select(file => container.TryAddAsync($"{folder}/{file.Key}", file.Value, cancel)));
        return folder;
    }

    private static string HashOf(IReadOnlyDictionary<string, BinaryData> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, content) in files.OrderBy(file => file.Key, StringComparer.Ordinal))
        {
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes($"{name}\n{content.ToMemory().Length}\n"));
            hash.AppendData(content.ToMemory().Span);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
