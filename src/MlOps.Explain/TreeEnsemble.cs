namespace MlOps.Explain;

/// <summary>
/// Regression trees as flat arrays, all nodes of all trees in one numbering. A row goes left where its value is at most the threshold; a
/// missing value (NaN) goes where <see cref="MissingLeft"/> says. The prediction is <see cref="Base"/> plus the value of one leaf a tree.
/// </summary>
public sealed class TreeEnsemble
{
    /// <summary>In <see cref="Slot"/>: this node is a leaf.</summary>
    public const int Leaf = -1;

    /// <summary>First node of every tree.</summary>
    public required int[] Roots { get; init; }

    /// <summary>Slot of the feature vector that a node splits on, or <see cref="Leaf"/>.</summary>
    public required int[] Slot { get; init; }

    public required float[] Threshold { get; init; }

    public required int[] Left { get; init; }

    public required int[] Right { get; init; }

    public required bool[] MissingLeft { get; init; }

    /// <summary>What a leaf adds to the prediction; 0 for inner nodes.</summary>
    public required double[] Value { get; init; }

    public double Base { get; init; }

    public int Nodes => Slot.Length;

    /// <summary>Slots that the trees look at: one more than the largest.</summary>
    public int Slots => Slot.Length == 0 ? 0 : Slot.Max() + 1;

    /// <summary>Trees that predict <c>slope · prediction + offset</c>.</summary>
    public TreeEnsemble Linear(double slope, double offset) => new()
    {
        Roots = Roots,
        Slot = Slot,
        Threshold = Threshold,
        Left = Left,
        Right = Right,
        MissingLeft = MissingLeft,
        Value = [.. Value.Select(value => value * slope)],
        Base = (Base * slope) + offset,
    };

    /// <summary>The prediction of a row given slot by slot.</summary>
    public double Predict(ReadOnlySpan<float> row)
    {
        var sum = Base;
        foreach (var root in Roots)
        {
            var node = root;
            while (Slot[node] != Leaf)
            {
                node = Next(node, row[Slot[node]]);
            }
            sum += Value[node];
        }
        return sum;
    }

    /// <summary>What the first trees alone predict of a row, for several numbers of trees.</summary>
    /// <param name="row">The row, slot by slot.</param>
    /// <param name="counts">Numbers of trees, rising; beyond the last tree it stays as it is.</param>
    /// <param name="predictions">Takes the prediction for each of them, <see cref="Base"/> included.</param>
    public void PredictStages(ReadOnlySpan<float> row, ReadOnlySpan<int> counts, Span<double> predictions)
    {
        var (sum, tree) = (Base, 0);
        for (var stage = 0; stage < counts.Length; stage++)
        {
            for (; tree < counts[stage] && tree < Roots.Length; tree++)
            {
                var node = Roots[tree];
                while (Slot[node] != Leaf)
                {
                    node = Next(node, row[Slot[node]]);
                }
                sum += Value[node];
            }
            predictions[stage] = sum;
        }
    }

    /// <summary>Adds 1 to every node that a row passes, for each of the rows.</summary>
    public void Count(ReadOnlySpan<float> rows, int count, int slots, long[] visits)
    {
        // Tree by tree: a tree stays in the processor's cache.
        foreach (var root in Roots)
        {
            for (var row = 0; row < count; row++)
            {
                var values = rows.Slice(row * slots, slots);
                var node = root;
                visits[node]++;
                while (Slot[node] != Leaf)
                {
                    node = Next(node, values[Slot[node]]);
                    visits[node]++;
                }
            }
        }
    }

    private int Next(int node, float value) => (float.IsNaN(value) ? MissingLeft[node] : value <= Threshold[node]) ? Left[node] : Right[node];
}
