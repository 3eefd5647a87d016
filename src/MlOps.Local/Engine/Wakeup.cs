namespace MlOps.Local.Engine;

/// <summary>Calls one waiting loop to look again. A call before the wait ends the wait at once, so none is missed.</summary>
internal sealed class Wakeup
{
    private TaskCompletionSource called = New();

    public void Call() => Volatile.Read(ref called).TrySetResult();

    /// <summary>Returns when called, and at the latest after a while.</summary>
    public async Task WaitAsync(TimeSpan longest, TimeProvider time, CancellationToken cancel)
    {
        try
        {
            await Volatile.Read(ref called).Task.WaitAsync(longest, time, cancel);
        }
        catch (TimeoutException)
        {
        }
        Volatile.Write(ref called, New());
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
