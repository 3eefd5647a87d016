using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Training;

/// <summary>
/// Lets as many candidates train at once as this machine has cores and memory for; the others wait, first come, first served. One trains whatever it
/// takes: whether it fits, only trying tells.
/// </summary>
/// <param name="most">How many at once.</param>
/// <param name="mostBytes">How many bytes they may take together.</param>
public sealed class TrainingPlaces(int most, long mostBytes)
{
    /// <summary>Measured: what training adds to the process for each cell of its rows, the table itself and the trainer's own copy.</summary>
    private const int BytesPerCell = 13;

    private readonly Lock gate = new();
    private readonly LinkedList<(long Bytes, TaskCompletionSource Turn)> waiting = new();
    private int training;
    private long bytes;

    /// <summary>As many as a host's options, and the machine that it is on, allow: half of the memory is left to all else.</summary>
    public static TrainingPlaces Of(PipelineOptions options) =>
        new(Math.Max(1, options.MostTrainings), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2);

    /// <summary>Bytes that training on a table may take.</summary>
    public static long BytesOf(long rows, int features) => rows * features * BytesPerCell;

    /// <summary>
    /// Threads for a fit of one of those that train now, so that together they have about as many as there are: on cores that are taken, the threads of a
    /// trainer would wait for each other many times a tree.
    /// </summary>
    /// <param name="threads">Threads that there are.</param>
    public int ShareOf(int threads)
    {
        lock (gate)
        {
            return Math.Max(1, threads / Math.Max(1, training));
        }
    }

    /// <summary>Waits for a place, which is free again when the result is disposed of.</summary>
    public async Task<IDisposable> TakeAsync(long wanted, CancellationToken cancel)
    {
        LinkedListNode<(long, TaskCompletionSource Turn)> own;
        lock (gate)
        {
            own = waiting.AddLast((wanted, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
            LetIn();
        }
        try
        {
            await own.Value.Turn.Task.WaitAsync(cancel);
            return new Place(this, wanted);
        }
        catch (OperationCanceledException)
        {
            Leave(own, wanted);
            throw;
        }
    }

    private void LetIn()
    {
        while (waiting.First is { Value: var (wanted, turn) } && (training == 0 || (training < most && bytes + wanted <= mostBytes)))
        {
            waiting.RemoveFirst();
            (training, bytes) = (training + 1, bytes + wanted);
            turn.SetResult();
        }
    }

    /// <summary>Of one that waits no longer: its turn may have come at that very moment.</summary>
    private void Leave(LinkedListNode<(long, TaskCompletionSource Turn)> own, long wanted)
    {
        lock (gate)
        {
            if (own.Value.Turn.Task.IsCompleted)
            {
                (training, bytes) = (training - 1, bytes - wanted);
            }
            else
            {
                waiting.Remove(own);
            }
            LetIn();
        }
    }

    private void Free(long taken)
    {
        lock (gate)
        {
            (training, bytes) = (training - 1, bytes - taken);
            LetIn();
        }
    }

    private sealed class Place(TrainingPlaces places, long taken) : IDisposable
    {
        private int isFree;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isFree, 1) == 0)
            {
                places.Free(taken);
            }
        }
    }
}
