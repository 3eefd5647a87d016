using System.Runtime.CompilerServices;
using Microsoft.ML;

namespace MlOps.Pipeline.Training;

/// <summary>
/// Ends trainings of ML.NET before their time. Its trainers look between two iterations whether their context is cancelled; the way to say so it keeps to
/// its own packages.
/// </summary>
internal static class TrainingCancellation
{
    /// <summary>Runs what trains with a context; where it is cancelled, the trainer ends at its next iteration, in well under a second for most.</summary>
    /// <param name="ml">The context of all that is trained.</param>
    /// <param name="train">Trains.</param>
    /// <param name="cancel">Ends the training.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static T Run<T>(MLContext ml, Func<T> train, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        using var ending = cancel.Register(() => CancelExecution(ml));
        try
        {
            return train();
        }
        catch (Exception ended) when (cancel.IsCancellationRequested)
        {
            throw new OperationCanceledException("The training was cancelled.", ended, cancel);
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "CancelExecution")]
    private static extern void CancelExecution(MLContext ml);
}
