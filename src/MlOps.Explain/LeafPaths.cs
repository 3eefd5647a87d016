namespace MlOps.Explain;

/// <summary>
/// The trees of an ensemble leaf by leaf: each leaf with the conditions that lead to it, one a slot, however often the path splits on
/// the slot. This is what exact path-dependent SHAP values need of a tree (Mitchell, Frank and Holmes, 2022, "GPUTreeShap").
/// </summary>
internal sealed class LeafPaths
{
    private LeafPaths(TreeEnsemble ensemble, long[] covers)
    {
        var leaves = new List<double>();
        var starts = new List<int>();
        var firstLeaves = new List<int>();
        var conditions = new List<PathCondition>();
        var path = new List<PathCondition>();
        var expected = ensemble.Base;
        foreach (var root in ensemble.Roots)
        {
            firstLeaves.Add(leaves.Count);
            Walk(root);
        }
        firstLeaves.Add(leaves.Count);
        starts.Add(conditions.Count);
        (Values, Starts, FirstLeaves, Conditions, ExpectedValue) = ([.. leaves], [.. starts], [.. firstLeaves], [.. conditions], expected);

        void Walk(int node)
        {
            if (ensemble.Slot[node] == TreeEnsemble.Leaf)
            {
                starts.Add(conditions.Count);
                leaves.Add(ensemble.Value[node]);
                conditions.AddRange(path);
                expected += path.Aggregate(ensemble.Value[node], (product, condition) => product * condition.Share);
                return;
            }
            Branch(node, left: true);
            Branch(node, left: false);
        }

        void Branch(int node, bool left)
        {
            var child = left ? ensemble.Left[node] : ensemble.Right[node];
            // No training row ever reached a node without cover: nothing tells its children apart.
            var share = covers[node] == 0 ? 0.5 : (double)covers[child] / covers[node];
            var known = path.FindIndex(condition => condition.Slot == ensemble.Slot[node]);
            var before = known < 0 ? new PathCondition(ensemble.Slot[node], float.NaN, float.PositiveInfinity, Missing: true, Share: 1) : path[known];
            var after = before.Narrow(ensemble.Threshold[node], ensemble.MissingLeft[node], left, share);
            if (known < 0)
            {
                path.Add(after);
                Walk(child);
                path.RemoveAt(path.Count - 1);
            }
            else
            {
                path[known] = after;
                Walk(child);
                path[known] = before;
            }
        }
    }

    /// <summary>Value of every leaf.</summary>
    public double[] Values { get; }

    /// <summary>Where the conditions of every leaf start in <see cref="Conditions"/>; one more at the end.</summary>
    public int[] Starts { get; }

    /// <summary>First leaf of every tree; one more at the end.</summary>
    public int[] FirstLeaves { get; }

    public PathCondition[] Conditions { get; }

    /// <summary>The mean prediction over the rows that the covers were counted on, as the trees know it.</summary>
    public double ExpectedValue { get; }

    /// <param name="ensemble">The trees.</param>
    /// <param name="covers">Rows that pass every node.</param>
    public static LeafPaths Of(TreeEnsemble ensemble, long[] covers) => covers.Length == ensemble.Nodes
        ? new LeafPaths(ensemble, covers)
        : throw new ArgumentException($"There are {covers.Length} covers for {ensemble.Nodes} nodes.", nameof(covers));
}

/// <summary>What a path asks of one slot: a value above <paramref name="Above"/> (NaN: any) and at most <paramref name="AtMost"/>.</summary>
/// <param name="Slot">The slot.</param>
/// <param name="Above">Exclusive lower bound; NaN for none.</param>
/// <param name="AtMost">Inclusive upper bound.</param>
/// <param name="Missing">Whether a missing value takes the path.</param>
/// <param name="Share">Share of the rows that takes the path where the slot's value is not known.</param>
internal readonly record struct PathCondition(int Slot, float Above, float AtMost, bool Missing, double Share)
{
    // NaN compares false with everything: no lower bound never rejects, and a missing value is within no bounds.
    public bool Holds(float value) => (!(value <= Above) & value <= AtMost) | (float.IsNaN(value) & Missing);

    public PathCondition Narrow(float threshold, bool missingLeft, bool left, double share) => this with
    {
        Above = left ? Above : float.IsNaN(Above) ? threshold : Math.Max(Above, threshold),
        AtMost = left ? Math.Min(AtMost, threshold) : AtMost,
        Missing = Missing && missingLeft == left,
        Share = Share * share,
    };
}
