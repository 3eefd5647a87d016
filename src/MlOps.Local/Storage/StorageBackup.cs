using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;

namespace MlOps.Local.Storage;

/// <summary>
/// Copies the files of embedded storage while it runs. Saved databases and the journal that goes on from them are read first, and again should
/// a save come in between; then the content of blobs, which only grows, so that every byte the former speak of is there.
/// </summary>
internal static class StorageBackup
{
    private const int MostTries = 20;

    /// <summary>Writes all that was answered until now into one file.</summary>
    /// <param name="folder">Where Azurite keeps its files.</param>
    /// <param name="file">The archive to write; it is there whole or not at all.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="EnvironmentProblemException">There is nothing to back up, or the file cannot be written.</exception>
    public static async Task<BackupManifest> WriteAsync(string folder, string file, CancellationToken cancel)
    {
        if (!Directory.Exists(folder) || Databases(folder).Length == 0)
        {
            throw new EnvironmentProblemException($"There is nothing to back up: {folder} holds no embedded storage. Name its data folder with --data.");
        }
        if (File.Exists(file))
        {
            throw new EnvironmentProblemException($"There is a file {file} already: name another one.");
        }
        var partial = file + ".partial";
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                if (await TryWriteAsync(folder, partial, cancel) is { } manifest)
                {
                    File.Move(partial, file);
                    return manifest;
                }
                if (attempt == MostTries)
                {
                    throw new EnvironmentProblemException($"{folder} changes too fast to be copied: try again when less is going on.");
                }
            }
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            throw new EnvironmentProblemException($"The backup {file} cannot be written: {unwritable.Message}", unwritable);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <summary>Null when something was saved or removed in between.</summary>
    private static async Task<BackupManifest?> TryWriteAsync(string folder, string file, CancellationToken cancel)
    {
        var created = DateTimeOffset.UtcNow;
        var contents = Contents(folder);
        if (await ReadMetadataAsync(folder, cancel) is not { } metadata)
        {
            return null;
        }
        contents.UnionWith(Contents(folder));
        var files = new List<BackupFile>();
        await using var stream = new FileStream(file, FileMode.Create);
        BackupManifest manifest;
        await using (var zip = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true))
        await using (var archive = new TarWriter(zip))
        {
            foreach (var (name, bytes) in metadata)
            {
                await AddAsync(archive, files, name, new MemoryStream(bytes), cancel);
            }
            foreach (var name in contents)
            {
                try
                {
                    await using var content = Open(Path.Combine(folder, name));
                    await AddAsync(archive, files, name, content, cancel);
                }
                catch (FileNotFoundException)
                {
                    return null;
                }
            }
            manifest = new BackupManifest(BackupManifest.Current, created, [.. files]);
            var list = JsonSerializer.SerializeToUtf8Bytes(manifest, JsonSerializerOptions.Web);
            await AddAsync(archive, files, BackupManifest.Name, new MemoryStream(list), cancel);
        }
        stream.Flush(flushToDisk: true);
        return manifest;
    }

    /// <summary>Databases and journal as they were at one moment; null when a save came in between.</summary>
    private static async Task<List<(string Name, byte[] Bytes)>?> ReadMetadataAsync(string folder, CancellationToken cancel)
    {
        try
        {
            var before = Saves(folder);
            var read = new List<(string, byte[])>();
            foreach (var path in Databases(folder).Concat(Journal(folder)))
            {
                var bytes = await ReadAsync(path, cancel);
                // The last record may be only half written: nobody has been told of it.
                var length = path.EndsWith(".log", StringComparison.Ordinal) ? Array.LastIndexOf(bytes, (byte)'\n') + 1 : bytes.Length;
                read.Add((Path.GetFileName(path), bytes[..length]));
            }
            return Saves(folder).SequenceEqual(before) && Journal(folder).Take(1).All(first => read.Any(one => one.Item1 == Path.GetFileName(first)))
                ? read
                : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>What changes with every save.</summary>
    private static List<(string, DateTime, long)> Saves(string folder) =>
        [.. Databases(folder).Select(path => new FileInfo(path)).Select(file => (file.Name, file.LastWriteTimeUtc, file.Length))];

    private static string[] Databases(string folder) => [.. Directory.GetFiles(folder, "__azurite_db_*.json").Order(StringComparer.Ordinal)];

    private static string[] Journal(string folder) => [.. Directory.GetFiles(folder, "journal-*.log").Order(StringComparer.Ordinal)];

    private static SortedSet<string> Contents(string folder) => new(
        Directory.GetDirectories(folder, "__*storage__").SelectMany(Directory.GetFiles).Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/')),
        StringComparer.Ordinal);

    private static async Task<byte[]> ReadAsync(string path, CancellationToken cancel)
    {
        await using var file = Open(path);
        var bytes = new byte[file.Length]; // What is appended from now on belongs to later answers.
        await file.ReadExactlyAsync(bytes, cancel);
        return bytes;
    }

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Content goes through memory a piece at a time: a blob may be larger than it.</summary>
    private static async Task AddAsync(TarWriter archive, List<BackupFile> files, string name, Stream content, CancellationToken cancel)
    {
        await using var sofar = new LengthSoFar(content);
        await archive.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = sofar }, cancel);
        files.Add(new BackupFile(name, sofar.Length, sofar.Sha256));
    }
}
