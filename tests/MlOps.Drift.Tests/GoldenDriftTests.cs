using System.Globalization;
using System.Text.Json;
using MlOps.Drift.Profiles;

namespace MlOps.Drift.Tests;

public sealed class GoldenDriftTests
{
    private const double RelativeError = 1e-6;
    private const double AbsoluteError = 1e-9;

    private static readonly Dictionary<string, JsonElement> Golden = JsonDocument.Parse(GoldenFiles.Read("drift.json")).RootElement.GetProperty("cases")
        .EnumerateArray().ToDictionary(test => test.GetProperty("name").GetString()!, StringComparer.Ordinal);

    public static TheoryData<string> Cases => [.. Golden.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_score_verdict_and_choice_is_Evidentlys(string name)
    {
        var test = Golden[name];
        var pair = PairOf(test);
        var differences = new List<string>();

        Expect("default", test.GetProperty("default").GetString(), DriftTests.Default(pair).Name, differences);
        foreach (var result in test.GetProperty("results").EnumerateObject())
        {
            Check(pair, result, differences);
        }

        differences.Should().BeEmpty();
    }

    [Fact]
    public void The_golden_scores_are_many() =>
        Golden.Values.Sum(test => test.GetProperty("results").EnumerateObject().Count()).Should().BeGreaterThan(200);

    private static void Check(ColumnPair pair, JsonProperty result, List<string> differences)
    {
        var test = DriftTests.All.Single(test => test.Name == result.Name);
        var score = test.Score(pair);
        var golden = result.Value.GetProperty("score");
        // Undefined there: the t-test of two equal constants, which shows no change.
        var expected = golden.ValueKind == JsonValueKind.String && golden.GetString() == "nan" ? 1 : golden.GetDouble();
        if (!(Math.Abs(score - expected) <= Math.Max(AbsoluteError, RelativeError * Math.Abs(expected))))
        {
            differences.Add(string.Create(CultureInfo.InvariantCulture, $"{result.Name}: score {score:R}, expected {expected:R}"));
        }
        Expect($"{result.Name}: threshold", result.Value.GetProperty("threshold").GetDouble(), test.Threshold, differences);
        Expect($"{result.Name}: drifted", result.Value.GetProperty("drifted").GetBoolean(), test.Drifts(score, test.Threshold), differences);
    }

    private static void Expect<T>(string where, T expected, T actual, List<string> differences)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            differences.Add($"{where} {actual}, expected {expected}");
        }
    }

    private static ColumnPair PairOf(JsonElement test)
    {
        var source = test.GetProperty("source");
        var (reference, current) = source.TryGetProperty("file", out _)
            ? (Cells(source, "reference_rows"), Cells(source, "current_rows"))
            : (Inline(source.GetProperty("reference")), Inline(source.GetProperty("current")));
        return test.GetProperty("kind").GetString() == "numerical"
            ? new ColumnPair(Profiled.Numbers(reference.Select(Number)), Profiled.Numbers(current.Select(Number)))
            : new ColumnPair(Profiled.Categories(reference), Profiled.Categories(current));
    }

    private static double? Number(string? cell) => cell is null ? null : double.Parse(cell, CultureInfo.InvariantCulture);

    private static List<string?> Inline(JsonElement values) =>
        [.. values.EnumerateArray().Select(
            value => value.ValueKind switch { JsonValueKind.Null => null, JsonValueKind.String => value.GetString(), _ => value.GetRawText() })];

    private static List<string?> Cells(JsonElement source, string range)
    {
        var lines = GoldenFiles.ReadLines(source.GetProperty("file").GetString()!);
        var index = Array.IndexOf(lines[0].Split(','), source.GetProperty("column").GetString());
        var (start, end) = (source.GetProperty(range)[0].GetInt32(), source.GetProperty(range)[1].GetInt32());
        return [.. lines.Skip(1 + start).Take(end - start).Select(line => line.Split(',')[index] is { Length: > 0 } cell ? cell : null)];
    }
}
