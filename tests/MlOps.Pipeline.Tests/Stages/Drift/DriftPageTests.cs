using Microsoft.Extensions.Logging.Abstractions;
using MlOps.Drift;
using MlOps.Drift.Profiles;
using MlOps.Drift.Tests;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports;
using MlOps.Pipeline.Reports.Drift;

namespace MlOps.Pipeline.Tests.Stages.Drift;

public sealed class DriftPageTests
{
    private const int TwoMegabytes = 2_000_000;

    [Fact]
    public async Task The_page_stays_small_whatever_the_columns_and_needs_nothing_from_elsewhere()
    {
        var columns = Enumerable.Range(0, 5000).Select(i => $"{i}-{new string('n', 300)}").ToList();
        var html = await RenderAsync(Compare(
            columns, i => i % 2 == 0 ? Profiled.Numbers(Numbers(i)) : Profiled.Categories(Numbers(i).Select(number => $"{new string('c', 200)}{number:0}"))));

        html.Length.Should().BeLessThan(TwoMegabytes);
        html.Should()
            .Contain("The 1000 strongest of 5000 columns").And.Contain("<svg").And.NotContain("http://").And.NotContain("https://").And.NotContain("<script");
    }

    [Fact]
    public async Task Names_and_values_from_data_are_text()
    {
        const string Nasty = "<script>alert('x')</script>";

        var html = await RenderAsync(Compare([Nasty], _ => Profiled.Categories([Nasty, "b", "c"])));

        html.Should().Contain("&lt;script&gt;alert(").And.NotContain("<script");
    }

    private static IEnumerable<double> Numbers(int seed)
    {
        var random = new Random(seed);
        return Enumerable.Range(0, 100).Select(_ => random.NextDouble() * 100);
    }

    private static DriftComparison Compare(List<string> columns, Func<int, ColumnProfile> profile)
    {
        var then = new TableProfile(columns.Select((column, i) => (column, i)).ToDictionary(pair => pair.column, pair => profile(pair.i)));
        var now = new TableProfile(columns.Select((column, i) => (column, i)).ToDictionary(pair => pair.column, pair => profile(pair.i + 2)));
        return TableComparison.Compare(
            "validation", (new DriftSide("training rows", "a", 100), then), (new DriftSide("validation rows", "b", 100), now), new Dictionary<string,
            DriftRule>(), limit: 0.5);
    }

    private static async Task<string> RenderAsync(DriftComparison comparison)
    {
        var report = new DriftReport(
            "m-20260101000000000-abcdef", "m", DriftGate.Block, 0.5, comparison.Drifted, [comparison, comparison with { Name = "production" }]);
        return (await new ReportRenderer(NullLoggerFactory.Instance).RenderAsync<DriftPage>(
            new Dictionary<string, object?> { [nameof(DriftPage.Report)] = report })).ToString();
    }
}
