using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Data;

/// <summary>What killed processes have left in a work folder: downloads that broke off, parts that were being written, what outgrew memory.</summary>
public sealed class AbandonedWork(PipelineOptions options, TimeProvider time)
{
    private static readonly string[] Folders = ["incoming", "drafts", "live", "traffic", "spill"];

    /// <summary>Removes what nobody has written to for so long that no stage can be at it any more.</summary>
    public void Clear(TimeSpan age)
    {
        var before = time.GetUtcNow() - age;
        foreach (var entry in Folders.SelectMany(Entries).Concat(BrokenOff()).Where(entry => LastWritten(entry) < before))
        {
            Delete(entry);
        }
    }

    private IEnumerable<FileSystemInfo> Entries(string name) =>
        new DirectoryInfo(Path.Combine(options.WorkFolder, name)) is { Exists: true } folder ? folder.GetFileSystemInfos() : [];

    /// <summary>Parts that were being downloaded have a longer ending than those that are here.</summary>
    private IEnumerable<FileSystemInfo> BrokenOff() => new DirectoryInfo(Path.Combine(options.WorkFolder, "datasets")) is { Exists: true } folder
        ? folder.GetFiles("*.parquet*", SearchOption.AllDirectories).Where(file => file.Extension != ".parquet")
        : [];

    private static DateTime LastWritten(FileSystemInfo entry) => entry is DirectoryInfo folder
        ? folder.GetFiles("*", SearchOption.AllDirectories).Select(file => file.LastWriteTimeUtc).Append(folder.LastWriteTimeUtc).Max()
        : entry.LastWriteTimeUtc;

    private static void Delete(FileSystemInfo entry)
    {
        if (entry is DirectoryInfo folder)
        {
            folder.Delete(recursive: true);
        }
        else
        {
            entry.Delete();
        }
    }
}
