namespace MlOps.Serving.Models;

/// <summary>
/// A value read from far away, answered from memory and re-read in the background. One read at a time; a failed read keeps the value
/// there is, and the next ones come ever later. Only the first read, and the first after a long quiet, make the caller wait.
/// </summary>
/// <param name="read">Reads the value anew, given the present one; null means that there is none.</param>
/// <param name="failed">Told of a read that failed while a value was there. Without a value, the callers get the fault.</param>
/// <param name="options">How often, how stale, how long to wait.</param>
/// <param name="time">The clock.</param>
/// <param name="stopping">Ends reads when the host stops.</param>
internal sealed class Refreshed<T>(
    Func<T?, CancellationToken, Task<T?>> read, Action<Exception> failed, ServingOptions options, TimeProvider time, CancellationToken stopping)
    where T : class
{
    private readonly Lock gate = new();
    private Task<T?>? reading;
    private Task staleWait = Task.CompletedTask;
    private T? current;
    private long attempted;
    private int failures;
    private long pause = options.RefreshEvery.Ticks;

    /// <summary>The value as last read; null before the first read.</summary>
    public T? Current => Volatile.Read(ref current);

    /// <summary>Ends when no read is under way.</summary>
    internal Task Idle => Volatile.Read(ref reading) ?? Task.CompletedTask;

    /// <summary>The value; null when there is none.</summary>
    public ValueTask<T?> GetAsync(CancellationToken cancel)
    {
        if (Current is not { } value)
        {
            return new ValueTask<T?>(StartReading().WaitAsync(cancel));
        }
        if (Age.Ticks >= Volatile.Read(ref pause))
        {
            StartReading();
        }
        var wait = Volatile.Read(ref staleWait);
        return wait.IsCompleted ? new ValueTask<T?>(value) : new ValueTask<T?>(CurrentAfterAsync(wait, cancel));
    }

    private TimeSpan Age => time.GetElapsedTime(Volatile.Read(ref attempted));

    private async Task<T?> CurrentAfterAsync(Task wait, CancellationToken cancel)
    {
        await wait.WaitAsync(cancel);
        return Current;
    }

    private Task<T?> StartReading()
    {
        lock (gate)
        {
            if (reading is { IsCompleted: false } running)
            {
                return running;
            }
            var stale = current is not null && Age >= options.StaleAfter;
            Volatile.Write(ref attempted, time.GetTimestamp());
            var started = Task.Run(ReadAsync, CancellationToken.None);
            reading = started;
            if (stale)
            {
                Volatile.Write(ref staleWait, Task.WhenAny(started, Task.Delay(options.StaleWait, time, stopping)));
            }
            return started;
        }
    }

    private async Task<T?> ReadAsync()
    {
        var before = Current;
        try
        {
            var value = await read(before, stopping);
            Volatile.Write(ref current, value);
            failures = 0;
            Volatile.Write(ref pause, options.RefreshEvery.Ticks);
            return value;
        }
        catch (Exception fault) when (before is not null)
        {
            if (!stopping.IsCancellationRequested)
            {
                failures++;
                Volatile.Write(ref pause, BackOff.After(failures, options.RefreshEvery, options.LongestPause).Ticks);
                failed(fault);
            }
            return before;
        }
    }
}
