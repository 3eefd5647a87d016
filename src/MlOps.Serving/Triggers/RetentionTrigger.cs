using MlOps.Pipeline.Deletion;

namespace MlOps.Serving.Triggers;

/// <summary>Deletes runs whose time is over, some at each look.</summary>
public sealed class RetentionTrigger(RunRetention retention) : ITrigger
{
    public TimeSpan Interval { get; } = TimeSpan.FromMinutes(1);

    public Task LookAsync(CancellationToken cancel) => retention.DeleteSomeAsync(cancel);
}
