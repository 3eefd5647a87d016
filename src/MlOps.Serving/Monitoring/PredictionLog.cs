using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace MlOps.Serving.Monitoring;

/// <summary>Lines of one request, or of a part of a large one.</summary>
/// <param name="Model">The model.</param>
/// <param name="At">When it was predicted.</param>
/// <param name="Rows">How many lines.</param>
/// <param name="Lines">The lines.</param>
/// <param name="Share">They are this share of the rows (<see cref="RowSample"/>).</param>
internal readonly record struct LoggedLines(string Model, DateTimeOffset At, int Rows, byte[] Lines, double Share);

/// <summary>
/// Takes the rows that were predicted and keeps them in memory until <see cref="PredictionLogWriter"/> has written them. Never waits and never
/// fails: what does not fit is counted and dropped.
/// </summary>
internal sealed class PredictionLog : IDisposable
{
    /// <summary>A request of many rows is handed on in pieces that fit into a block of a blob.</summary>
    private const int PieceBytes = 1024 * 1024;

    private readonly Channel<LoggedLines> queue;
    private readonly SemaphoreSlim enough = new(0, 1);
    private readonly PredictionLogOptions options;
    private readonly LoggedModels models;
    private readonly TimeProvider time;
    private long waiting;
    private long dropped;

    public PredictionLog(PredictionLogOptions options, LoggedModels models, TimeProvider time)
    {
        (this.options, this.models, this.time) = (options, models, time);
        queue = Channel.CreateBounded<LoggedLines>(new BoundedChannelOptions(options.MostRequests) { SingleReader = true });
        PredictionLogMeter.Watch(this);
    }

    /// <summary>Bytes that wait, those that are being written included.</summary>
    public long Waiting => Interlocked.Read(ref waiting);

    /// <summary>Rows dropped since the start.</summary>
    public long Dropped => Interlocked.Read(ref dropped);

    public ChannelReader<LoggedLines> Queue => queue.Reader;

    /// <summary>Keeps rows with what was said of them.</summary>
    public void Add(AnsweredRows answered)
    {
        var (served, rows) = (answered.Served, answered.Asked.Rows);
        // Where it is not known, all of them wait, and the writer chooses.
        var share = models.KnownShare(served.Model) ?? 1;
        if (rows.Count == 0 || share == 0)
        {
            return;
        }
        if (Waiting >= options.MostBytes)
        {
            Drop(rows.Count);
            return;
        }
        var at = time.GetUtcNow();
        var writer = LineWriter.Rent();
        writer.Begin(at, answered);
        var pending = 0;
        for (var i = 0; i < rows.Count; i++)
        {
            if (share < 1 && !RowSample.Keeps(share, answered.Asked.Keys?[i], answered.Asked.IdOf(i)))
            {
                continue;
            }
            if (JsonMarshal.GetRawUtf8Value(rows[i]).Length > options.MostRowBytes)
            {
                Drop(1);
                continue;
            }
            writer.Add(answered, i);
            pending++;
            if (writer.Bytes >= PieceBytes)
            {
                HandOn(new LoggedLines(served.Model, at, pending, writer.Take(), share));
                pending = 0;
            }
        }
        if (pending > 0)
        {
            HandOn(new LoggedLines(served.Model, at, pending, writer.Take(), share));
        }
        LineWriter.Return(writer);
    }

    /// <summary>Returns when enough is waiting to be worth a write, or after this time.</summary>
    public Task WaitForEnoughAsync(TimeSpan most, CancellationToken cancel) => enough.WaitAsync(most, cancel);

    /// <summary>Takes no more rows.</summary>
    public void Close() => queue.Writer.TryComplete();

    /// <summary>Lines that no longer wait, since they are written or were not to be kept.</summary>
    public void Settle(long bytes) => Interlocked.Add(ref waiting, -bytes);

    public void Drop(long rows) => Interlocked.Add(ref dropped, rows);

    public void Dispose()
    {
        PredictionLogMeter.Forget(this);
        enough.Dispose();
    }

    private void HandOn(LoggedLines lines)
    {
        var now = Interlocked.Add(ref waiting, lines.Lines.Length);
        if (now > options.MostBytes || !queue.Writer.TryWrite(lines))
        {
            Settle(lines.Lines.Length);
            Drop(lines.Rows);
        }
        else if (now >= options.EnoughBytes && enough.CurrentCount == 0)
        {
            Call();
        }
    }

    private void Call()
    {
        try
        {
            enough.Release();
        }
        catch (SemaphoreFullException)
        {
            // Another request has called just now.
        }
        catch (ObjectDisposedException)
        {
            // The host has stopped.
        }
    }
}
