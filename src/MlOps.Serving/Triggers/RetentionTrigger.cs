using MlOps.Pipeline.Deletion;
using MlOps.Serving.Feedback;

namespace MlOps.Serving.Triggers;

/// <summary>Deletes what is kept no longer: runs, some at each look, and what is kept of predictions.</summary>
public sealed class RetentionTrigger(RunRetention runs, PredictionRetention predictions) : ITrigger
{
    public TimeSpan Interval { get; } = TimeSpan.FromMinutes(1);

    public Task LookAsync(CancellationToken cancel) => Task.WhenAll(runs.DeleteSomeAsync(cancel), predictions.DeleteAsync(cancel));
}
