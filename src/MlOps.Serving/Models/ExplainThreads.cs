namespace MlOps.Serving.Models;

/// <summary>
/// The threads on which all requests of a host are explained, so that however many ask for it at once, predictions have the other cores. Requests take turns
/// after each block of rows; one that waits holds no thread.
/// </summary>
/// <param name="Scheduler">What is explained runs here.</param>
internal sealed record ExplainThreads(TaskScheduler Scheduler)
{
    /// <param name="most">How many there are, 1 or more.</param>
    /// <remarks>After each part of the work its thread is given back, so that what else the pool has to do is done in between.</remarks>
    public static ExplainThreads Of(int most) =>
        new(new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default, Math.Max(1, most), maxItemsPerTask: 1).ConcurrentScheduler);
}
