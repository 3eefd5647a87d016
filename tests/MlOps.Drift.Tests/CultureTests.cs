using System.Globalization;
using System.Text.Json;
using MlOps.Drift.Profiles;

namespace MlOps.Drift.Tests;

/// <summary>The culture of the program around changes nothing: no number, no word, no order, no category.</summary>
public sealed class CultureTests
{
    /// <summary>Letters whose capitals are others in Turkish, and that other cultures sort together, or pass over.</summary>
    private static readonly string[] Cities =
        ["ISTANBUL", "istanbul", "İstanbul", "ıstanbul", "Zürich", "Zurich", "ähre", "zebra", "co-op", "coop", "-1,5", "1.5"];

    [Theory]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    [InlineData("sv-SE")]
    public void A_comparison_is_the_same_in_every_culture(string name)
    {
        var usual = Compared();
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo(name);
            $"{-1234.5:N1}".Should().NotBe("-1,234.5", "else it is no other culture");

            Compared().Should().Be(usual);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    /// <summary>Every test on columns of numbers and of words, and all that is told of them.</summary>
    private static string Compared()
    {
        var rules = new Dictionary<string, DriftRule>();
        var (then, now) = (new Dictionary<string, ColumnProfile>(), new Dictionary<string, ColumnProfile>());
        foreach (var test in DriftTests.All)
        {
            rules[$"{test.Name} I"] = new DriftRule(test.Kind, 0.0125);
            then[$"{test.Name} I"] = Profiled.Numbers(Enumerable.Range(0, 400).Select(i => i % 40 == 0 ? null : (double?)((i % 37) - 9.75)));
            now[$"{test.Name} I"] = Profiled.Numbers(Enumerable.Range(0, 300).Select(i => (double?)((i % 31 * 1.5) - 4)));
            rules[$"{test.Name} i"] = new DriftRule(test.Kind);
            then[$"{test.Name} i"] = Profiled.Categories(Enumerable.Range(0, 300).Select(i => Cities[i % 9]));
            now[$"{test.Name} i"] = Profiled.Categories(Enumerable.Range(0, 200).Select(i => i % 50 == 0 ? null : Cities[3 + (i % 9)]));
        }
        var (reference, current) = (new DriftSide("training rows", "train", 400), new DriftSide("validation rows", "validation", 300));

        var comparison = TableComparison.Compare("validation", (reference, new TableProfile(then)), (current, new TableProfile(now)), rules, limit: 0.25);

        comparison.Scores.Count(score => score.Drifted).Should().BeGreaterThan(5);
        return JsonSerializer.Serialize(comparison) + comparison.Describe(0.25);
    }
}
