namespace MlOps.Explain.Tests;

/// <summary>Made-up ensembles with rows, the same for the same seed.</summary>
internal sealed class RandomTrees
{
    private readonly Random random;
    private readonly List<int> slot = [];
    private readonly List<float> threshold = [];
    private readonly List<int> left = [];
    private readonly List<int> right = [];
    private readonly List<bool> missingLeft = [];
    private readonly List<double> value = [];

    /// <param name="seed">Seed.</param>
    /// <param name="slots">Length of a row; the trees use all slots but the last.</param>
    /// <param name="trees">Trees.</param>
    /// <param name="depth">Deepest path.</param>
    /// <param name="rows">Rows; a tenth of the cells are missing.</param>
    public RandomTrees(int seed, int slots, int trees, int depth, int rows)
    {
        random = new Random(seed);
        Slots = slots;
        var roots = Enumerable.Range(0, trees).Select(_ => Grow(depth)).ToArray();
        Ensemble = new TreeEnsemble
        {
            Roots = roots,
            Slot = [.. slot],
            Threshold = [.. threshold],
            Left = [.. left],
            Right = [.. right],
            MissingLeft = [.. missingLeft],
            Value = [.. value],
            Base = 0.5,
        };
        Rows = [.. Enumerable.Range(0, rows * slots).Select(_ => random.Next(10) == 0 ? float.NaN : random.Next(10))];
        Covers = NodeCovers.Count(Ensemble, slots, rows, Fill, threads: 2, CancellationToken.None);
    }

    public TreeEnsemble Ensemble { get; }

    public int Slots { get; }

    public float[] Rows { get; }

    public long[] Covers { get; }

    public ReadOnlySpan<float> Row(int row) => Rows.AsSpan(row * Slots, Slots);

    public void Fill(int start, int count, Span<float> rows) => Rows.AsSpan(start * Slots, count * Slots).CopyTo(rows);

    /// <summary>Where a row goes at an inner node.</summary>
    public bool GoesLeft(int row, int node)
    {
        var value = Row(row)[Ensemble.Slot[node]];
        return float.IsNaN(value) ? Ensemble.MissingLeft[node] : value <= Ensemble.Threshold[node];
    }

    private int Grow(int depth)
    {
        var node = slot.Count;
        var isLeaf = depth == 0 || random.Next(6) == 0;
        slot.Add(isLeaf ? TreeEnsemble.Leaf : random.Next(Slots - 1));
        threshold.Add(random.Next(10));
        missingLeft.Add(random.Next(2) == 0);
        value.Add(isLeaf ? (random.NextDouble() * 10) - 5 : 0);
        left.Add(0);
        right.Add(0);
        if (!isLeaf)
        {
            left[node] = Grow(depth - 1);
            right[node] = Grow(depth - 1);
        }
        return node;
    }
}
