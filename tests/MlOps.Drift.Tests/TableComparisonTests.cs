using MlOps.Drift.Profiles;

namespace MlOps.Drift.Tests;

public sealed class TableComparisonTests
{
    private static readonly DriftSide Then = new("training rows", "train", 10);
    private static readonly DriftSide Now = new("validation rows", "validation", 20);

    [Fact]
    public void Shared_columns_are_compared_strongest_drift_first_and_the_others_listed()
    {
        var then = Table(("same", 0), ("b", 0), ("far", 0), ("a", 0), ("ruled", 0), ("old 2", 0), ("old 1", 0));
        var now = Table(("new 2", 0), ("new 1", 0), ("b", 10), ("same", 0), ("ruled", 5), ("far", 500), ("a", 10));
        var rules = new Dictionary<string, DriftRule>
        {
            ["far"] = new(DriftTestKind.Wasserstein),
            ["ruled"] = new(DriftTestKind.Wasserstein, 1e9),
        };

        var comparison = TableComparison.Compare("validation", (Then, then), (Now, now), rules, limit: 0.6);

        comparison.Scores.Select(score => score.Column).Should().Equal("a", "b", "far", "same", "ruled");
        comparison.Scores.Select(score => score.Drifted).Should().Equal(true, true, true, false, false);
        comparison.Should().BeEquivalentTo(
            new { Name = "validation", Reference = Then, Current = Now, Columns = 5, DriftedColumns = 3, Share = 0.6, Drifted = true });
        comparison.OnlyInReference.Should().Equal("old 1", "old 2");
        comparison.OnlyInCurrent.Should().Equal("new 1", "new 2");
        TableComparison.Compare("validation", (Then, then), (Now, now), rules, limit: 0.61).Drifted.Should().BeFalse();
    }

    [Fact]
    public void Tables_that_share_no_column_have_not_drifted()
    {
        var comparison = TableComparison.Compare("live", (Then, Table(("a", 0))), (Now, Table(("b", 0))), new Dictionary<string, DriftRule>(), limit: 0);

        (comparison.Columns, comparison.Share, comparison.Drifted).Should().Be((0, 0, false));
    }

    [Fact]
    public void A_comparison_is_told_in_one_sentence()
    {
        ColumnDrift[] scores = [Score("miles", 0.123456), Score("kind", null)];

        var drifted = new DriftComparison("live", Then, Now, Columns: 3, DriftedColumns: 2, 2 / 3.0, Drifted: true, scores, [], []);

        drifted.Describe(0.5).Should().Be(
            "drift: 2 of 3 columns of the validation rows differ from the training rows (share 0.67, limit 0.50): miles (psi 0.123), kind");
        (drifted with { DriftedColumns = 1 }).Describe(0.5).Should().StartWith("drift: 1 of 3 columns of the validation rows differs from the training rows ");
    }

    [Fact]
    public void Five_columns_are_named_and_the_others_counted()
    {
        ColumnDrift[] scores = [.. Enumerable.Range(1, 7).Select(i => Score($"c{i}", null)), Score("steady", null) with { Drifted = false }];

        Describe(5).Should().EndWith(": c1, c2, c3, c4, c5");
        Describe(7).Should().EndWith(": c1, c2, c3, c4, c5 and 2 more");

        string Describe(int drifted) =>
            new DriftComparison("live", Then, Now, Columns: 8, drifted, 0.5, Drifted: true, [scores[7], .. scores[..drifted]], [], []).Describe(0.5);
    }

    private static ColumnDrift Score(string column, double? score) => new()
    {
        Column = column,
        Kind = "numeric",
        Drifted = true,
        Test = "psi",
        Score = score,
        Reference = new ColumnSide(1, 0),
        Current = new ColumnSide(1, 0),
    };

    /// <summary>Columns of the numbers 0 to 9, each moved.</summary>
    private static TableProfile Table(params (string Name, double Move)[] columns) => new(columns.ToDictionary(
        column => column.Name, ColumnProfile (column) => Profiled.Numbers(Enumerable.Range(0, 10).Select(i => i + column.Move))));
}
