using MlOps.Pipeline.Doctor;

namespace MlOps.Serving.Triggers;

/// <summary>Now and then everything is read and compared with the indexes: what an index may have missed is found again.</summary>
public sealed class IndexTrigger(IndexRepair repair, TimeProvider time) : ITrigger
{
    private long repaired;

    public TimeSpan Interval { get; } = TimeSpan.FromMinutes(15);

    /// <summary>Does nothing when the last time was not long ago, however often it is called.</summary>
    public async Task LookAsync(CancellationToken cancel)
    {
        if (repaired == 0 || time.GetElapsedTime(repaired) >= Interval * 0.9)
        {
            await repair.RepairAsync(cancel);
            repaired = time.GetTimestamp();
        }
    }
}
