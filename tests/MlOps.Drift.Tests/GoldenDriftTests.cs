using System.Globalization;
using System.Text.Json;
using MlOps.Drift.Profiles;

namespace MlOps.Drift.Tests;

public sealed class GoldenDriftTests
{
    private const double RelativeError = 1e-6;
    private const double AbsoluteError = 1e-9;

    [Fact]
    public void Every_score_verdict_and_choice_is_Evidentlys()
    {
        using var golden = JsonDocument.Parse(GoldenFiles.Read("drift.json"));
        var differences = new List<string>();
        var scores = 0;
        foreach (var test in golden.RootElement.GetProperty("cases").EnumerateArray())
        {
            var name = test.GetProperty("name").GetString();
            var pair = PairOf(test);
            Expect($"{name}: default", test.GetProperty("default").GetString(), DriftTests.Default(pair).Name, differences);
            foreach (var result in test.GetProperty("results").EnumerateObject())
            {
                scores += Check($"{name}: {result.Name}", pair, result, differences) ? 1 : 0;
            }
        }
        differences.Should().BeEmpty();
        scores.Should().BeGreaterThan(200);
    }

    /// <summary>False for a golden error: what could not be computed there shows no number to compare with.</summary>
    private static bool Check(string where, ColumnPair pair, JsonProperty result, List<string> differences)
    {
        if (result.Value.TryGetProperty("error", out _))
        {
            return false;
        }
        var test = DriftTests.All.Single(test => test.Name == result.Name);
        var score = test.Score(pair);
        var golden = result.Value.GetProperty("score");
        // Undefined there: the t-test of two equal constants, which shows no change.
        var expected = golden.ValueKind == JsonValueKind.String && golden.GetString() == "nan" ? 1 : golden.GetDouble();
        if (!(Math.Abs(score - expected) <= Math.Max(AbsoluteError, RelativeError * Math.Abs(expected))))
        {
            differences.Add(string.Create(CultureInfo.InvariantCulture, $"{where}: score {score:R}, expected {expected:R}"));
        }
        Expect($"{where}: threshold", result.Value.GetProperty("threshold").GetDouble(), test.Threshold, differences);
        Expect($"{where}: drifted", result.Value.GetProperty("drifted").GetBoolean(), test.Drifts(score, test.Threshold), differences);
        return true;
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
