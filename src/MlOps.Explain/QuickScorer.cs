using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace MlOps.Explain;

/// <summary>
/// Predicts many rows without walking down trees: every split of a tree that sends a row right rules out the leaves on its left, and the
/// first leaf that is left is the row's (Lucchese et al., 2015, "QuickScorer"), eight rows at a time (Lucchese et al., 2016,
/// "Exploiting CPU SIMD extensions to speed-up document scoring with tree ensembles"). The sums are those of
/// <see cref="TreeEnsemble.Predict"/>, to the last bit. One row alone goes through the splits by column, as in the first of the two papers.
/// </summary>
public sealed class QuickScorer
{
    /// <summary>Rows that go through the trees together; blocks are multiples of it.</summary>
    public const int Lanes = 8;

    /// <summary>A leaf is a bit of a 32-bit number.</summary>
    private const int MostLeaves = 32;

    private readonly double start;
    private readonly Split[] splits;
    private readonly double[] leaves;
    private readonly Tree[] trees;
    private Rules? byColumn;

    private QuickScorer(TreeEnsemble ensemble)
    {
        Slots = [.. ensemble.Slot.Where(slot => slot != TreeEnsemble.Leaf).Distinct().Order()];
        var places = Slots.Select((slot, column) => (slot, column)).ToDictionary(pair => pair.slot, pair => pair.column);
        var (ofAll, leavesOfAll, bounds) = (new List<Split>(), new List<double>(), new List<Tree>());
        foreach (var root in ensemble.Roots)
        {
            var (missingLeft, missingRight, firstLeaf) = (new List<Split>(), new List<Split>(), leavesOfAll.Count);
            Walk(root);
            bounds.Add(new Tree(ofAll.Count, ofAll.Count + missingLeft.Count, ofAll.Count + missingLeft.Count + missingRight.Count, firstLeaf));
            ofAll.AddRange(missingLeft);
            ofAll.AddRange(missingRight);

            void Walk(int node)
            {
                if (ensemble.Slot[node] == TreeEnsemble.Leaf)
                {
                    leavesOfAll.Add(ensemble.Value[node]);
                    return;
                }
                var before = leavesOfAll.Count - firstLeaf;
                Walk(ensemble.Left[node]);
                var after = leavesOfAll.Count - firstLeaf;
                var onTheLeft = (int)(uint)((1UL << after) - (1UL << before));
                (ensemble.MissingLeft[node] ? missingLeft : missingRight).Add(new Split(places[ensemble.Slot[node]], ensemble.Threshold[node], onTheLeft));
                Walk(ensemble.Right[node]);
            }
        }
        (start, splits, leaves, trees) = (ensemble.Base, [.. ofAll], [.. leavesOfAll], [.. bounds]);
    }

    /// <summary>The slots that the trees look at: the columns of a block, in order.</summary>
    public int[] Slots { get; }

    /// <summary>Null where it does not pay: a tree has more leaves than fit, or this processor has no wide vectors.</summary>
    public static QuickScorer? Of(TreeEnsemble ensemble)
    {
        // A binary tree has one leaf more than inner nodes, so half of its nodes and one more.
        var ends = ensemble.Roots.Skip(1).Append(ensemble.Nodes);
        var fits = ensemble.Roots.Zip(ends).All(tree => (tree.Second - tree.First + 1) / 2 <= MostLeaves);
        return fits && Vector256.IsHardwareAccelerated ? new QuickScorer(ensemble) : null;
    }

    /// <param name="block">Values column after column (see <see cref="Slots"/>), as many of each as <paramref name="sums"/> is long.</param>
    /// <param name="sums">Takes the prediction of every row; its length is a multiple of <see cref="Lanes"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Predict(ReadOnlySpan<float> block, Span<double> sums)
    {
        var rows = sums.Length;
        ArgumentOutOfRangeException.ThrowIfNotEqual(rows % Lanes, 0, nameof(sums));
        ArgumentOutOfRangeException.ThrowIfLessThan(block.Length, rows * Slots.Length, nameof(block));
        sums.Fill(start);
        ref var values = ref MemoryMarshal.GetReference(block);
        foreach (var tree in trees)
        {
            var missingLeft = splits.AsSpan(tree.Start..tree.MissingRight);
            var missingRight = splits.AsSpan(tree.MissingRight..tree.End);
            ref var firstLeaf = ref leaves[tree.FirstLeaf];
            for (var row = 0; row < rows; row += Lanes)
            {
                var possible = Vector256<int>.AllBitsSet;
                foreach (ref readonly var split in missingLeft)
                {
                    var value = Vector256.LoadUnsafe(ref values, (nuint)((split.Column * rows) + row));
                    var right = Vector256.GreaterThan(value, Vector256.Create(split.Threshold)).AsInt32();
                    possible = Vector256.AndNot(possible, right & Vector256.Create(split.LeavesOnTheLeft));
                }
                foreach (ref readonly var split in missingRight)
                {
                    var value = Vector256.LoadUnsafe(ref values, (nuint)((split.Column * rows) + row));
                    var left = Vector256.LessThanOrEqual(value, Vector256.Create(split.Threshold)).AsInt32();
                    possible &= left | ~Vector256.Create(split.LeavesOnTheLeft);
                }
                for (var lane = 0; lane < Lanes; lane++)
                {
                    sums[row + lane] += Unsafe.Add(ref firstLeaf, BitOperations.TrailingZeroCount(possible[lane]));
                }
            }
        }
    }

    /// <summary>The prediction of one row: its values are compared with the splits of one column after another, which rise, up to the first that is not below.
    /// </summary>
    /// <param name="row">The row's values, column by column (see <see cref="Slots"/>).</param>
    /// <returns>The sum, as <see cref="TreeEnsemble.Predict"/> has it to the last bit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public double PredictOne(ReadOnlySpan<float> row)
    {
        const int MostOnStack = 2048;
        ArgumentOutOfRangeException.ThrowIfNotEqual(row.Length, Slots.Length, nameof(row));
        var (columns, rules) = byColumn ??= ByColumn();
        var possible = trees.Length <= MostOnStack ? stackalloc uint[trees.Length] : new uint[trees.Length];
        possible.Fill(uint.MaxValue);
        for (var place = 0; place < row.Length; place++)
        {
            var (value, column) = (row[place], columns[place]);
            if (float.IsNaN(value))
            {
                foreach (var rule in rules.AsSpan(column.Start..column.End))
                {
                    possible[rule.Tree] &= rule.IfMissing;
                }
                continue;
            }
            foreach (ref readonly var rule in rules.AsSpan(column.Start..column.End))
            {
                if (value <= rule.Threshold)
                {
                    break;
                }
                possible[rule.Tree] &= rule.IfAbove;
            }
        }
        var sum = start;
        for (var tree = 0; tree < trees.Length; tree++)
        {
            sum += leaves[trees[tree].FirstLeaf + BitOperations.TrailingZeroCount(possible[tree])];
        }
        return sum;
    }

    /// <summary>Made for the first row that comes alone: tables do without. Should two rows be the first, both make the same.</summary>
    private Rules ByColumn()
    {
        var sorted = trees
            .SelectMany((tree, place) => Enumerable.Range(tree.Start, tree.End - tree.Start)
                .Select(split => (splits[split].Column, Rule: RuleOf(splits[split], place, isMissingLeft: split < tree.MissingRight))))
            .ToLookup(split => split.Column, split => split.Rule);
        var (found, all) = (new Column[Slots.Length], new List<Rule>());
        for (var column = 0; column < found.Length; column++)
        {
            var first = all.Count;
            all.AddRange(sorted[column].OrderBy(rule => rule.Threshold));
            found[column] = new Column(first, all.Count);
        }
        return new Rules(found, [.. all]);

        static Rule RuleOf(Split split, int tree, bool isMissingLeft)
        {
            var right = ~(uint)split.LeavesOnTheLeft;
            return new Rule(split.Threshold, tree, right, isMissingLeft ? uint.MaxValue : right);
        }
    }

    /// <summary>A split of a tree: a value above the threshold rules out the leaves of the left branch.</summary>
    private readonly record struct Split(int Column, float Threshold, int LeavesOnTheLeft);

    /// <summary>The splits of all trees by the column that they look at, thresholds rising.</summary>
    private sealed record Rules(Column[] Columns, Rule[] All);

    /// <summary>Where the rules of a column are.</summary>
    private readonly record struct Column(int Start, int End);

    /// <summary>A split of a tree, and the leaves that are left: where a value is above the threshold, and where there is none.</summary>
    private readonly record struct Rule(float Threshold, int Tree, uint IfAbove, uint IfMissing);

    /// <summary>Where a tree's splits and leaves are; those that send a missing value left come first.</summary>
    private readonly record struct Tree(int Start, int MissingRight, int End, int FirstLeaf);
}
