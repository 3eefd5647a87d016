namespace MlOps.Explain;

/// <summary>Counts how many rows pass every node of an ensemble.</summary>
public static class NodeCovers
{
    /// <param name="ensemble">The trees.</param>
    /// <param name="slots">Length of a row.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="fill">Writes rows; called from several threads.</param>
    /// <param name="threads">Threads to use.</param>
    /// <param name="cancel">Stops the work.</param>
    public static long[] Count(TreeEnsemble ensemble, int slots, int rows, FillRows fill, int threads, CancellationToken cancel)
    {
        var size = RowBlocks.Size(slots);
        var covers = new long[ensemble.Nodes];
        Parallel.For(0, (rows + size - 1) / size, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancel },
            () => (Buffer: new float[(long)size * slots], Visits: new long[ensemble.Nodes]),
            (block, _, own) =>
            {
                var start = block * size;
                var count = Math.Min(size, rows - start);
                fill(start, count, own.Buffer);
                ensemble.Count(own.Buffer, count, slots, own.Visits);
                return own;
            },
            own =>
            {
                lock (covers)
                {
                    for (var node = 0; node < covers.Length; node++)
                    {
                        covers[node] += own.Visits[node];
                    }
                }
            });
        return covers;
    }
}
