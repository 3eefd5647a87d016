using MlOps.Pipeline.Contracts;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Feedback;

/// <summary>Deletes what is kept of one person or thing: its rows of the prediction log, and what was told of its key.</summary>
public sealed class KeyDeletion(KeyedRows rows, FeedbackStore feedback)
{
    /// <exception cref="InputException">Somebody else deletes rows of the same hour.</exception>
    public async Task<DeletedRows> DeleteAsync(string model, string key, CancellationToken cancel)
    {
        var deleted = await rows.DeleteAsync(model, key, cancel);
        return deleted with { Feedback = await feedback.DeleteAsync(model, key, cancel) };
    }
}
