namespace MlOps.Explain.Tests;

/// <summary>Ensembles of a shape that is asked for.</summary>
internal static class ShapedTrees
{
    /// <summary>One leaf.</summary>
    public static TreeEnsemble Leaf(double value) => Of(new Node(value));

    /// <summary>A tree for each number: so many splits, each of a slot of its own, the next on its right. Leaf i, from the left, is worth i + 1.</summary>
    public static TreeEnsemble Chains(params int[] splits) => Of([.. splits.Select(of => Chain(0, of))]);

    /// <summary>A tree with every level full: level i asks slot i, and each of its leaves asks as often as the tree is deep.</summary>
    public static TreeEnsemble Full(int depth) => Of(Level(0, depth));

    private static Node Chain(int slot, int splits) =>
        slot == splits ? new Node(slot + 1) : new Node(0, slot, new Node(slot + 1), Chain(slot + 1, splits));

    private static Node Level(int slot, int depth) => slot == depth ? new Node(1) : new Node(0, slot, Level(slot + 1, depth), Level(slot + 1, depth));

    private static TreeEnsemble Of(params Node[] roots)
    {
        var nodes = new List<Node>();
        var placeOf = new Dictionary<Node, int>();
        int[] starts = [.. roots.Select(Add)];
        return new TreeEnsemble
        {
            Roots = starts,
            Slot = [.. nodes.Select(node => node.Slot)],
            Threshold = new float[nodes.Count],
            Left = [.. nodes.Select(node => node.Left is null ? 0 : placeOf[node.Left])],
            Right = [.. nodes.Select(node => node.Right is null ? 0 : placeOf[node.Right])],
            MissingLeft = new bool[nodes.Count],
            Value = [.. nodes.Select(node => node.Value)],
        };

        int Add(Node node)
        {
            var place = placeOf[node] = nodes.Count;
            nodes.Add(node);
            if (node is { Left: { } left, Right: { } right })
            {
                Add(left);
                Add(right);
            }
            return place;
        }
    }

    /// <summary>A leaf, or a split at 0.</summary>
    private sealed class Node(double value, int slot = TreeEnsemble.Leaf, Node? left = null, Node? right = null)
    {
        public double Value => value;

        public int Slot => slot;

        public Node? Left => left;

        public Node? Right => right;
    }
}
