using System.Text.Json;
using MlOps.Explain;

namespace MlOps.Bench.Shap;

/// <summary>Reads the trees of xgboost's JSON dump.</summary>
internal static class XgboostTrees
{
    public static (TreeEnsemble Ensemble, long[] Covers) Read(JsonElement model)
    {
        var nodes = new List<JsonElement>();
        var roots = new List<int>();
        var left = new List<int>();
        var right = new List<int>();
        foreach (var tree in model.GetProperty("trees").EnumerateArray())
        {
            roots.Add(Add(tree));
        }
        var ensemble = new TreeEnsemble
        {
            Base = model.GetProperty("base").GetDouble(),
            Roots = [.. roots],
            Slot = Of("split", split => int.Parse(split.GetString()!.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture), TreeEnsemble.Leaf),
            // Left is below the threshold there, at most the threshold here.
            Threshold = Of("split_condition", threshold => MathF.BitDecrement(threshold.GetSingle()), 0f),
            Left = [.. left],
            Right = [.. right],
            MissingLeft = new bool[nodes.Count],
            Value = Of("leaf", leaf => leaf.GetDouble(), 0.0),
        };
        return (ensemble, Of("cover", cover => (long)cover.GetDouble(), 0L));

        int Add(JsonElement node)
        {
            var place = nodes.Count;
            nodes.Add(node);
            left.Add(0);
            right.Add(0);
            if (node.TryGetProperty("children", out var children))
            {
                // The "yes" child goes first in the dump only by chance; its id says which it is.
                var yes = node.GetProperty("yes").GetInt32();
                left[place] = Add(children.EnumerateArray().Single(child => child.GetProperty("nodeid").GetInt32() == yes));
                right[place] = Add(children.EnumerateArray().Single(child => child.GetProperty("nodeid").GetInt32() != yes));
            }
            return place;
        }

        T[] Of<T>(string name, Func<JsonElement, T> read, T absent) =>
            [.. nodes.Select(node => node.TryGetProperty(name, out var value) ? read(value) : absent)];
    }
}
