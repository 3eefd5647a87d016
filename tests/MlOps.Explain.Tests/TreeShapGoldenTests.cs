using System.Text.Json;

namespace MlOps.Explain.Tests;

public sealed class TreeShapGoldenTests
{
    /// <summary>xgboost's covers of classes are sums of hessians, no counts of rows: in so small parts of one, only single precision is lost.</summary>
    private const double CoverUnit = 1.0 / (1 << 24);

    [Theory]
    [InlineData("treeshap.json")]
    [InlineData("treeshap-multiclass.json")]
    public void Values_are_those_of_xgboost(string file)
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "data", file)));
        var models = golden.RootElement.GetProperty("models");
        models.GetArrayLength().Should().BeGreaterThan(1);
        foreach (var model in models.EnumerateArray())
        {
            var (ensemble, covers) = Read(model);
            var shap = new TreeShap(LeafPaths.Of(ensemble, covers), [.. Enumerable.Range(0, golden.RootElement.GetProperty("features").GetArrayLength())]);
            var rows = model.GetProperty("rows").EnumerateArray().Select(Floats).ToArray();
            var predictions = Doubles(model.GetProperty("prediction"));
            var scale = predictions.Max(Math.Abs);

            // xgboost adds in single precision.
            shap.ExpectedValue.Should().BeApproximately(model.GetProperty("expected_value").GetDouble(), 1e-5 * scale);
            foreach (var ((row, expected), i) in rows.Zip(model.GetProperty("shap").EnumerateArray().Select(Doubles)).Select((pair, i) => (pair, i)))
            {
                var values = new double[expected.Length];
                shap.AddTo(row, values);
                values.Should().Equal(expected, (a, b) => Math.Abs(a - b) < 1e-5 * scale);
                ensemble.Predict(row).Should().BeApproximately(predictions[i], 1e-5 * scale);
            }
        }
    }

    private static (TreeEnsemble Ensemble, long[] Covers) Read(JsonElement model)
    {
        var roots = new List<int>();
        var nodes = new List<(JsonElement Node, int Root)>();
        foreach (var tree in model.GetProperty("trees").EnumerateArray())
        {
            roots.Add(nodes.Count);
            nodes.AddRange(tree.EnumerateArray().Select(node => (node, roots[^1])));
        }
        var ensemble = new TreeEnsemble
        {
            Base = model.GetProperty("base_score").GetDouble(),
            Roots = [.. roots],
            Slot = Of("feature", feature => feature.GetInt32(), TreeEnsemble.Leaf),
            // Left is below the threshold there, at most the threshold here.
            Threshold = Of("threshold", threshold => MathF.BitDecrement(threshold.GetSingle()), 0f),
            Left = [.. nodes.Select(node => node.Node.TryGetProperty("left", out var left) ? node.Root + left.GetInt32() : 0)],
            Right = [.. nodes.Select(node => node.Node.TryGetProperty("right", out var right) ? node.Root + right.GetInt32() : 0)],
            MissingLeft = Of("missingLeft", missing => missing.GetBoolean(), absent: false),
            Value = Of("leaf", leaf => leaf.GetDouble(), 0.0),
        };
        return (ensemble, Of("cover", cover => (long)(cover.GetDouble() / CoverUnit), 0L));

        T[] Of<T>(string name, Func<JsonElement, T> read, T absent) =>
            [.. nodes.Select(node => node.Node.TryGetProperty(name, out var value) ? read(value) : absent)];
    }

    private static float[] Floats(JsonElement numbers) =>
        [.. numbers.EnumerateArray().Select(number => number.ValueKind == JsonValueKind.Null ? float.NaN : number.GetSingle())];

    private static double[] Doubles(JsonElement numbers) => [.. numbers.EnumerateArray().Select(number => number.GetDouble())];
}
