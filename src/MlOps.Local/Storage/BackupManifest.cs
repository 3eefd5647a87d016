namespace MlOps.Local.Storage;

/// <summary>What a backup holds; its last entry, so that one that broke off has none.</summary>
/// <param name="Format">Of the archive.</param>
/// <param name="Created">When it was begun: all that was answered before is in it.</param>
/// <param name="Files">All other entries.</param>
internal sealed record BackupManifest(int Format, DateTimeOffset Created, IReadOnlyList<BackupFile> Files)
{
    public const string Name = "manifest.json";
    public const int Current = 1;
}

/// <param name="Name">Below the folder of embedded storage, with slashes.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Of its bytes, in hexadecimal digits.</param>
internal sealed record BackupFile(string Name, long Bytes, string Sha256);
