using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Data;

/// <summary>
/// Parts of dataset versions on this machine's disk, so that the next stage does not download them. Where they come to more than the host allows, those go
/// that were not opened for the longest; what a stage has opened stays until it ends.
/// </summary>
public sealed class PartCache(PipelineOptions options, TimeProvider time)
{
    /// <summary>How long a part stays that was opened outside of a stage, such as for an export: nobody says when that ends.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(30);

    private readonly string folder = Path.Combine(options.WorkFolder, "datasets");
    private readonly AsyncLocal<Use?> current = new();
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> uses = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> opened = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> openedOutside = new(StringComparer.Ordinal);
    private long opening;
    private long? total;

    /// <summary>Parts that are opened from now on, in the calling method and what it calls, stay until the result is disposed of.</summary>
    public IDisposable Begin() => current.Value = new Use(this);

    /// <summary>Where a part is, or belongs.</summary>
    public string PathOf(string id, string part) => Path.Combine(folder, id, part);

    /// <summary>The part's path when it is here as a whole, and then kept for who asks; else null.</summary>
    public string? Find(string id, string part, long bytes)
    {
        var path = PathOf(id, part);
        lock (gate)
        {
            if (!File.Exists(path) || new FileInfo(path).Length != bytes)
            {
                return null;
            }
            Open(path);
            return path;
        }
    }

    /// <summary>Takes a file over as a part, and makes room for it.</summary>
    public string Add(string id, string part, string file)
    {
        var path = PathOf(id, part);
        lock (gate)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Move(file, path, overwrite: true);
            Open(path);
            total = total + new FileInfo(path).Length;
            if (total is null || total > Limit)
            {
                MakeRoom();
            }
            return path;
        }
    }

    private long Limit => options.PartCacheMb * 1024L * 1024;

    private void Open(string path)
    {
        opened[path] = ++opening;
        if (current.Value is not { IsOver: false } use)
        {
            openedOutside[path] = time.GetTimestamp();
        }
        else if (use.Parts.Add(path))
        {
            uses[path] = uses.GetValueOrDefault(path) + 1;
        }
    }

    private void MakeRoom()
    {
        var parts = new DirectoryInfo(folder).GetFiles("*.parquet", SearchOption.AllDirectories);
        var left = parts.Sum(part => part.Length);
        foreach (var part in InOrderOfUse(parts))
        {
            if (left <= Limit)
            {
                break;
            }
            if (!IsInUse(part.FullName))
            {
                left -= part.Length;
                part.Delete();
                opened.Remove(part.FullName);
                openedOutside.Remove(part.FullName);
            }
        }
        total = left;
    }

    /// <summary>First what an earlier process has left, the oldest before; then what this one opened, in that order: a clock may be set back.</summary>
    private IEnumerable<FileInfo> InOrderOfUse(IEnumerable<FileInfo> parts) => parts.OrderBy(part => opened.GetValueOrDefault(part.FullName))
        .ThenBy(part => part.LastWriteTimeUtc).ThenBy(part => part.FullName, StringComparer.Ordinal);

    private bool IsInUse(string path) => uses.ContainsKey(path) || (openedOutside.TryGetValue(path, out var at) && time.GetElapsedTime(at) < Grace);

    private void End(Use use)
    {
        lock (gate)
        {
            use.IsOver = true;
            foreach (var path in use.Parts)
            {
                if (--uses[path] == 0)
                {
                    uses.Remove(path);
                }
            }
        }
    }

    private sealed class Use(PartCache cache) : IDisposable
    {
        public HashSet<string> Parts { get; } = new(StringComparer.Ordinal);

        public bool IsOver { get; set; }

        public void Dispose()
        {
            if (!IsOver)
            {
                cache.End(this);
            }
        }
    }
}
