using System.Reflection;
using Microsoft.ML.Trainers.FastTree;

namespace MlOps.Explain.MLNet;

/// <summary>Reads the trees of an ML.NET model, so that they predict exactly what the model predicts.</summary>
public static class TreeEnsembleReader
{
    /// <param name="model">ML.NET's model parameters.</param>
    /// <returns>Null when the model has no trees, or does something to their sum, as Tweedie's does.</returns>
    /// <exception cref="NotSupportedException">The trees split in ways that are not known here.</exception>
    public static TreeEnsemble? Read(object model) => model switch
    {
        // Forests of regression trees average; their binary votes, like boosted trees, add up.
        FastForestRegressionModelParameters forest => Read(forest.TrainedTreeEnsemble.Trees, 1.0 / forest.TrainedTreeEnsemble.Trees.Count),
        FastForestBinaryModelParameters forest => Read(forest.TrainedTreeEnsemble.Trees, 1),
        FastTreeTweedieModelParameters => null,
        TreeEnsembleModelParametersBasedOnRegressionTree trees => Read(trees.TrainedTreeEnsemble.Trees, 1),
        _ => null,
    };

    private static TreeEnsemble Read(IReadOnlyList<RegressionTreeBase> trees, double scale)
    {
        var nodes = trees.Sum(tree => tree.NumberOfNodes + Leaves(tree));
        var ensemble = new TreeEnsemble
        {
            Roots = new int[trees.Count],
            Slot = new int[nodes],
            Threshold = new float[nodes],
            Left = new int[nodes],
            Right = new int[nodes],
            MissingLeft = new bool[nodes],
            Value = new double[nodes],
        };
        var offset = 0;
        for (var i = 0; i < trees.Count; i++)
        {
            ensemble.Roots[i] = offset;
            Read(trees[i], scale, ensemble, offset);
            offset += trees[i].NumberOfNodes + Leaves(trees[i]);
        }
        return ensemble;
    }

    private static void Read(RegressionTreeBase tree, double scale, TreeEnsemble ensemble, int offset)
    {
        if (tree.CategoricalSplitFlags.Contains(true))
        {
            throw new NotSupportedException("A tree splits on sets of categories, which TreeSHAP does not read.");
        }
        var inner = tree.NumberOfNodes;
        var forMissing = MissingValues(tree);
        for (var node = 0; node < inner; node++)
        {
            var threshold = tree.NumericalSplitThresholds[node];
            ensemble.Slot[offset + node] = tree.NumericalSplitFeatureIndexes[node];
            ensemble.Threshold[offset + node] = threshold;
            ensemble.Left[offset + node] = Child(tree.LeftChild[node]);
            ensemble.Right[offset + node] = Child(tree.RightChild[node]);
            ensemble.MissingLeft[offset + node] = forMissing is not null && forMissing[node] <= threshold;
        }
        for (var leaf = 0; leaf < Leaves(tree); leaf++)
        {
            ensemble.Slot[offset + inner + leaf] = TreeEnsemble.Leaf;
            ensemble.Value[offset + inner + leaf] = leaf < tree.LeafValues.Count ? tree.LeafValues[leaf] * scale : 0;
        }

        // ML.NET numbers leaves by the complement of their index.
        int Child(int child) => offset + (child >= 0 ? child : inner + ~child);
    }

    private static int Leaves(RegressionTreeBase tree) => tree.NumberOfNodes + 1;

    /// <summary>
    /// What ML.NET puts in the place of a missing value at every node of a tree; null when it compares the missing value itself, which
    /// is at most nothing and goes right. The only part of a tree that ML.NET keeps to itself.
    /// </summary>
    private static float[]? MissingValues(RegressionTreeBase tree)
    {
        var inside = typeof(RegressionTreeBase).GetField("_tree", BindingFlags.Instance | BindingFlags.NonPublic)?.GetValue(tree);
        var values = inside?.GetType().GetField("DefaultValueForMissing", BindingFlags.Instance | BindingFlags.Public);
        return values is not null
            ? (float[]?)values.GetValue(inside)
            : throw new NotSupportedException(
                $"This release of ML.NET ({typeof(RegressionTreeBase).Assembly.GetName().Version}) hides how its trees treat missing values.");
    }
}
