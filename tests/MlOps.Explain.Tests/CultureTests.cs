using System.Globalization;

namespace MlOps.Explain.Tests;

/// <summary>The culture of the program around changes no value and no message.</summary>
public sealed class CultureTests
{
    [Theory]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    public void Values_and_messages_are_the_same_in_every_culture(string name)
    {
        var usual = Explained();
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo(name);
            $"{-1234.5:N1}".Should().NotBe("-1,234.5", "else it is no other culture");

            Explained().Should().Equal(usual);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static List<string> Explained()
    {
        const int Rows = 40;
        var trees = new RandomTrees(seed: 8, slots: 6, trees: 12, depth: 5, Rows);
        var shap = new TreeShap(LeafPaths.Of(trees.Ensemble, trees.Covers), [.. Enumerable.Range(0, trees.Slots)]);
        var told = new List<string> { Bits(shap.ExpectedValue) };
        for (var row = 0; row < Rows; row++)
        {
            var values = new double[trees.Slots];
            shap.AddTo(trees.Row(row), values);
            told.AddRange(values.Append(trees.Ensemble.Predict(trees.Row(row))).Select(Bits));
        }
        told.Add(((Action)(() => LeafPaths.Of(trees.Ensemble, new long[12_345]))).Should().Throw<ArgumentException>().Which.Message);
        return told;
    }

    private static string Bits(double value) => BitConverter.DoubleToInt64Bits(value).ToString("X16", CultureInfo.InvariantCulture);
}
