namespace MlOps.Serving.Monitoring;

/// <summary>Lines of one model and hour that are to be written, oldest first.</summary>
internal sealed class PendingLines
{
    /// <summary>The largest block that every version of the service takes.</summary>
    private const int BlockBytes = 4 * 1024 * 1024;

    private readonly Queue<LoggedLines> queue = [];
    private (byte[] Bytes, int Entries)? block;

    public long Rows => queue.Sum(lines => (long)lines.Rows);

    public long Bytes => queue.Sum(lines => (long)lines.Lines.Length);

    public void Add(LoggedLines lines) => queue.Enqueue(lines);

    /// <summary>Leaves out what is beyond a share of the rows; returns the bytes. What storage may have already stays.</summary>
    public long Thin(double share)
    {
        var (begun, removed) = (block?.Entries ?? 0, 0L);
        for (var left = queue.Count; left > 0; left--)
        {
            var lines = queue.Dequeue();
            var thinned = begun-- > 0 || lines.Share <= share ? lines : RowSample.Thin(lines, share);
            removed += lines.Lines.Length - thinned.Lines.Length;
            if (thinned.Rows > 0)
            {
                queue.Enqueue(thinned);
            }
        }
        return removed;
    }

    /// <summary>
    /// The next block; null when all is written. Until it is <see cref="Written"/> it stays the same, whatever is added: storage may have it although its
    /// answer did not come, and would not know it again in a larger one.
    /// </summary>
    public byte[]? NextBlock()
    {
        if (block is null && queue.Count > 0)
        {
            block = Join();
        }
        return block?.Bytes;
    }

    public void Written()
    {
        for (var left = block!.Value.Entries; left > 0; left--)
        {
            queue.Dequeue();
        }
        block = null;
    }

    private (byte[] Bytes, int Entries) Join()
    {
        var (bytes, entries) = (0, 0);
        foreach (var lines in queue)
        {
            if (entries > 0 && bytes + lines.Lines.Length > BlockBytes)
            {
                break;
            }
            bytes += lines.Lines.Length;
            entries++;
        }
        var joined = new byte[bytes];
        var end = 0;
        foreach (var lines in queue.Take(entries))
        {
            lines.Lines.CopyTo(joined, end);
            end += lines.Lines.Length;
        }
        return (joined, entries);
    }
}
