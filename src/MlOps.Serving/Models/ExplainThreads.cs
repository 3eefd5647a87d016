namespace MlOps.Serving.Models;

/// <summary>
/// The threads on which many rows are explained, of all requests of a host together, so that however many ask for it at once, predictions have the other
/// cores. Requests take turns after each block of rows; one that waits holds no thread. Of few rows it costs as little as to predict many: that is done at
/// once.
/// </summary>
/// <param name="Scheduler">What takes turns runs here.</param>
internal sealed record ExplainThreads(TaskScheduler Scheduler)
{
    /// <summary>So many explanations, one of a row and a class each, are few.</summary>
    public const int Few = 16;

    /// <summary>Where a request's explanations are made.</summary>
    /// <param name="explanations">How many: rows, times the classes that are explained.</param>
    public TaskScheduler For(long explanations) => explanations <= Few ? TaskScheduler.Default : Scheduler;

    /// <param name="most">How many there are, 1 or more.</param>
    /// <remarks>After each part of the work its thread is given back, so that what else the pool has to do is done in between.</remarks>
    public static ExplainThreads Of(int most) =>
        new(new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default, Math.Max(1, most), maxItemsPerTask: 1).ConcurrentScheduler);
}
