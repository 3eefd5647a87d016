namespace MlOps.Testing;

/// <summary>
/// A clock that stands where the test puts it. As on a real machine what has passed is counted apart: it goes on, and setting back does not lessen it.
/// </summary>
public sealed class TestClock(DateTimeOffset now) : TimeProvider
{
    private readonly Lock changing = new();
    private DateTimeOffset now = now;
    private TimeSpan forwards;

    public DateTimeOffset Now
    {
        get
        {
            lock (changing)
            {
                return now;
            }
        }
        set
        {
            lock (changing)
            {
                forwards += value > now ? value - now : TimeSpan.Zero;
                now = value;
            }
        }
    }

    public override DateTimeOffset GetUtcNow() => Now;

    public override long GetTimestamp()
    {
        lock (changing)
        {
            return base.GetTimestamp() + (long)(forwards.TotalSeconds * TimestampFrequency);
        }
    }
}
