using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace MlOps.Pipeline.Tracking;

/// <summary>
/// The log of one call of a stage, as it comes: lines wait in memory, and once a second they go to the stage's blob. Whoever logs is never held up, and what
/// goes wrong with the blob fails nothing.
/// </summary>
public sealed class StageLog : IAsyncDisposable
{
    private const int LongestLine = 4000;

    private static readonly AsyncLocal<StageLog?> Ambient = new();

    private readonly Lock gate = new();
    private readonly StageLogBlob blob;
    private readonly StageLogOptions options;
    private readonly TimeProvider time;
    private readonly Action<Exception> warn;
    private readonly string prefix;
    private readonly string ownRun;
    private readonly CancellationTokenSource closing = new();
    private readonly Task writing;
    private StringBuilder waiting = new();
    private int bytes;
    private bool isFull;
    private bool hasWarned;

    /// <param name="blob">Where the lines go.</param>
    /// <param name="call">The run and the call's key: calls of a stage share its log, and each line says of which it is.</param>
    /// <param name="options">How much, and how soon.</param>
    /// <param name="time">The clock of the lines.</param>
    /// <param name="warn">Tells the host, once, that lines could not be kept.</param>
    internal StageLog(StageLogBlob blob, (string RunId, string Key) call, StageLogOptions options, TimeProvider time, Action<Exception> warn)
    {
        (this.blob, this.options, this.time, this.warn) = (blob, options, time, warn);
        prefix = call.Key.Length == 0 ? "" : $"{call.Key}: ";
        ownRun = $"Run {call.RunId}: ";
        Ambient.Value = this;
        // What the writing itself logs is no part of the stage, and its requests are none of the stage's trace.
        using (ExecutionContext.SuppressFlow())
        {
            writing = Task.Run(WriteAsync);
        }
    }

    /// <summary>The log of the stage that the caller is part of; null outside of one.</summary>
    public static StageLog? Current => Ambient.Value;

    /// <summary>Adds a line. It begins with the time (UTC) and the level; keys in the text are taken out.</summary>
    /// <param name="level">Its level.</param>
    /// <param name="text">What it says; several lines become one.</param>
    public void Write(LogLevel level, string text)
    {
        var said = text.StartsWith(ownRun, StringComparison.Ordinal) ? text[ownRun.Length..] : text;
        var at = time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        var line = $"{at} {NameOf(level)} {prefix}{OneLine(SecretTexts.Hide(said))}\n";
        var size = Encoding.UTF8.GetByteCount(line);
        lock (gate)
        {
            if (!isFull)
            {
                waiting.Append(line);
                // The blob takes no more than this in all: what comes after is only to make it say so.
                isFull = (bytes += size) > options.MostBytes;
            }
        }
    }

    /// <summary>Writes what is left, for a moment at most.</summary>
    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        await writing;
        using var patience = new CancellationTokenSource(options.Patience);
        await TryFlushAsync(patience.Token);
        closing.Dispose();
    }

    private async Task WriteAsync()
    {
        using var timer = new PeriodicTimer(options.Every, time);
        try
        {
            while (await timer.WaitForNextTickAsync(closing.Token))
            {
                await TryFlushAsync(closing.Token);
            }
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
        }
    }

    private async Task TryFlushAsync(CancellationToken cancel)
    {
        try
        {
            await blob.AppendAsync(Take(), cancel);
        }
        catch (Exception) when (closing.IsCancellationRequested && cancel == closing.Token)
        {
            // The last flush sends the same again.
        }
        catch (Exception fault)
        {
            if (!hasWarned)
            {
                hasWarned = true;
                warn(fault);
            }
        }
    }

    private byte[] Take()
    {
        lock (gate)
        {
            if (waiting.Length == 0)
            {
                return [];
            }
            var text = waiting.ToString();
            waiting = new StringBuilder();
            return Encoding.UTF8.GetBytes(text);
        }
    }

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Warning => "WARN ",
        LogLevel.Error or LogLevel.Critical => "ERROR",
        _ => "INFO ",
    };

    /// <summary>Names of columns may hold anything: what would steer a terminal, or look like a line of ours, does not.</summary>
    private static string OneLine(string text)
    {
        var shown = text.Length <= LongestLine ? text : string.Concat(text.AsSpan(0, LongestLine), " …");
        return string.Create(shown.Length, shown, static (line, from) =>
        {
            for (var i = 0; i < line.Length; i++)
            {
                line[i] = char.IsControl(from[i]) || from[i] is '\u2028' or '\u2029' ? ' ' : from[i];
            }
        });
    }
}
