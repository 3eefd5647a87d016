using MlOps.Local.Cli;
using MlOps.Pipeline.Tracking;

namespace MlOps.Local.Tests.Cli;

public sealed class CleanedRowsTests
{
    [Fact]
    public void The_commonest_reasons_are_told_in_words_and_the_others_counted()
    {
        var rows = CleanedRows.Of(Details(
            70_000, ("null: a", 20_000), ("duplicate", 9_000), ("above max: b", 900), ("unparseable: c", 99), ("wrong number of cells", 1)))!;

        rows.Describe(mostReasons: 3).Should().Be(
            "70,000 of 100,000 rows kept, 30,000 dropped: 20,000 null in a, 9,000 duplicates, 900 above the maximum of b, 100 for 2 other reasons.");
        rows.Describe(mostReasons: 5).Should().EndWith("99 unreadable in c, 1 with a wrong number of cells.");
    }

    [Fact]
    public void A_table_without_flaws_is_kept_whole() => CleanedRows.Of(Details(400))!.Describe(mostReasons: 3).Should().Be("All 400 rows kept.");

    [Fact]
    public void A_run_that_did_not_come_to_clean_rows_tells_nothing_of_them() => CleanedRows.Of(Details(kept: null)).Should().BeNull();

    private static RunDetails Details(long? kept, params (string Reason, double Rows)[] dropped) => new(
        new Run
        {
            RunId = "m-1",
            Model = "m",
            State = RunState.Succeeded,
            DefinitionId = "d",
            Source = "/t.csv",
            Trigger = "cli",
            Created = DateTimeOffset.UnixEpoch,
        },
        kept is null ? [] : [new StageStatus("clean", "", StageState.Succeeded, Rows: kept)],
        new Dictionary<string, string>(),
        dropped.ToDictionary(reason => $"dropped: {reason.Reason}", reason => reason.Rows).Append(new("val_rmse", 1)).ToDictionary(),
        [], []);
}
