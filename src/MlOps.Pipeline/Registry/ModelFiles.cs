using System.Security.Cryptography;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Registry;

/// <summary>The files of a trained model. They never change: whoever reads one refuses other bytes than were stored.</summary>
/// <param name="Blobs">Blob prefix in container <c>artifacts</c> under which they stand.</param>
/// <param name="Sha256">SHA-256 of each file as hex; null where none was kept.</param>
public sealed record ModelFiles(string Blobs, IReadOnlyDictionary<string, string>? Sha256 = null)
{
    public static string HashOf(BinaryData content) => Convert.ToHexStringLower(SHA256.HashData(content.ToMemory().Span));

    /// <exception cref="InputException">The file is not the one that was stored.</exception>
    /// <exception cref="Azure.RequestFailedException">There is no such blob (status 404).</exception>
    public async Task<BinaryData> ReadAsync(ArtifactStore artifacts, string file, CancellationToken cancel) =>
        Checked(file, await artifacts.ReadAsync($"{Blobs}/{file}", cancel));

    /// <summary>Reads a file; null when there is none.</summary>
    /// <exception cref="InputException">The file is not the one that was stored.</exception>
    public async Task<BinaryData?> FindAsync(ArtifactStore artifacts, string file, CancellationToken cancel) =>
        await artifacts.FindAsync($"{Blobs}/{file}", cancel) is { } content ? Checked(file, content) : null;

    private BinaryData Checked(string file, BinaryData content)
    {
        if (Sha256?.GetValueOrDefault(file) is not { } stored || HashOf(content) is var found && found == stored)
        {
            return content;
        }
        throw new InputException($"The file 'artifacts/{Blobs}/{file}' was changed after its model was stored: its SHA-256 is {found}, and was {stored}. "
            + "Bring the stored file back, or use another version of the model.");
    }
}
