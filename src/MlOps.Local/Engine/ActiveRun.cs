using MlOps.Pipeline.Tracking;

namespace MlOps.Local.Engine;

/// <summary>A run that this process works on, with its place among those that may work at the same time.</summary>
internal sealed class ActiveRun(Run run, SemaphoreSlim slots, CancellationToken stopping) : IDisposable
{
    private readonly CancellationTokenSource cancellation = CancellationTokenSource.CreateLinkedTokenSource(stopping);
    private bool hasSlot = true;

    /// <summary>As it was when it was taken up.</summary>
    public Run Run => run;

    public string RunId => run.RunId;

    /// <summary>Called when an event for the run may have come.</summary>
    public Wakeup Signalled { get; } = new();

    /// <summary>Cancelled when the run is, or the host stops.</summary>
    public CancellationToken Token => cancellation.Token;

    /// <summary>Ends when this process is done with the run; never throws.</summary>
    public Task Work { get; set; } = Task.CompletedTask;

    public async Task CancelAsync()
    {
        try
        {
            await cancellation.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It ended at this very moment.
        }
    }

    /// <summary>Gives the slot to another run while this one only waits.</summary>
    public void LeaveSlot()
    {
        if (hasSlot)
        {
            hasSlot = false;
            slots.Release();
        }
    }

    public async Task TakeSlotAsync(CancellationToken cancel)
    {
        await slots.WaitAsync(cancel);
        hasSlot = true;
    }

    public void Dispose()
    {
        LeaveSlot();
        cancellation.Dispose();
    }
}
