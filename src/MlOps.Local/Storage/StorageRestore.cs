using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;

namespace MlOps.Local.Storage;

/// <summary>Makes embedded storage out of a backup: beside what is there, checked, and then by its name.</summary>
internal static class StorageRestore
{
    /// <param name="folder">Where Azurite will find its files; the data folder around it is the caller's.</param>
    /// <param name="file">A backup.</param>
    /// <param name="force">Move aside what is there.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>What it restored, and where the storage is now that was there before.</returns>
    /// <exception cref="EnvironmentProblemException">There is storage already, or the backup is not whole.</exception>
    public static async Task<(BackupManifest Manifest, string? Before)> ReadAsync(string folder, string file, bool force, CancellationToken cancel)
    {
        var isTaken = Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any();
        if (isTaken && !force)
        {
            throw new EnvironmentProblemException(
                $"{folder} is not empty: name another data folder with --data, or pass --force to move what is there aside.");
        }
        var restoring = $"{folder}-restoring-{Guid.NewGuid():N}";
        try
        {
            var manifest = await UnpackAsync(file, Directory.CreateDirectory(restoring).FullName, cancel);
            string? before = null;
            if (isTaken)
            {
                before = $"{folder}-before-{DateTime.UtcNow.ToString("yyyyMMdd-HHmmss-fff", CultureInfo.InvariantCulture)}";
                Directory.Move(folder, before);
            }
            else if (Directory.Exists(folder))
            {
                Directory.Delete(folder);
            }
            Directory.Move(restoring, folder);
            return (manifest, before);
        }
        catch (Exception broken) when (broken is IOException or UnauthorizedAccessException or InvalidDataException or FormatException
            or ArgumentException or NotSupportedException or OverflowException or JsonException)
        {
            throw new EnvironmentProblemException($"The backup {file} cannot be restored: {broken.Message} Nothing was changed.", broken);
        }
        finally
        {
            if (Directory.Exists(restoring))
            {
                Directory.Delete(restoring, recursive: true);
            }
        }
    }

    private static async Task<BackupManifest> UnpackAsync(string file, string into, CancellationToken cancel)
    {
        var found = new HashSet<BackupFile>();
        await using var stream = File.OpenRead(file);
        await using var zip = new GZipStream(stream, CompressionMode.Decompress);
        await using var archive = new TarReader(zip);
        while (await archive.GetNextEntryAsync(cancellationToken: cancel) is { } entry)
        {
            if (entry.Name == BackupManifest.Name)
            {
                return Check(await JsonSerializer.DeserializeAsync<BackupManifest>(entry.DataStream ?? Stream.Null, JsonSerializerOptions.Web, cancel), found);
            }
            found.Add(await UnpackAsync(entry, into, cancel));
        }
        throw new InvalidDataException("It has no list of its files at its end, so it was not written to its end.");
    }

    private static async Task<BackupFile> UnpackAsync(TarEntry entry, string into, CancellationToken cancel)
    {
        var path = Path.GetFullPath(Path.Combine(into, entry.Name));
        if (entry.EntryType != TarEntryType.RegularFile || !path.StartsWith(into + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"'{entry.Name}' is no file of embedded storage.");
        }
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite);
        await (entry.DataStream ?? Stream.Null).CopyToAsync(file, cancel);
        file.Flush(flushToDisk: true);
        file.Position = 0;
        return new BackupFile(entry.Name, file.Length, Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancel)));
    }

    private static BackupManifest Check(BackupManifest? manifest, HashSet<BackupFile> found)
    {
        if (manifest is not { Format: BackupManifest.Current, Files: not null })
        {
            throw new InvalidDataException($"It has format {manifest?.Format}; this release reads format {BackupManifest.Current}.");
        }
        if (manifest.Files.Where(file => !found.Contains(file)).ToList() is [var damaged, ..])
        {
            throw new InvalidDataException($"Its file '{damaged?.Name}' is damaged.");
        }
        return found.Except(manifest.Files).FirstOrDefault() is { } added
            ? throw new InvalidDataException($"Its file '{added.Name}' does not stand in its list.")
            : manifest;
    }
}
