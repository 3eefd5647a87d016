using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Versions;

[Collection(AzuriteFixture.Collection)]
public sealed class DataComparisonTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const string Header = "order,city,amount,at\n";

    private readonly StageBench bench = new(azurite);
    private readonly PipelineDefinition definition = new()
    {
        Model = "diffs",
        Target = "amount",
        Columns = new Dictionary<string, ColumnRule> { ["order"] = new() { Kind = ColumnKind.IdLike } },
    };

    public Task InitializeAsync() => bench.Host.Get<DefinitionStore>().PutAsync(definition, default);

    public Task DisposeAsync() => bench.DisposeAsync().AsTask();

    [Fact]
    public async Task Rows_with_ids_are_added_removed_changed_or_the_same()
    {
        var before = await IngestAsync(Header + "1,Rome,1.5,2026-01-31\n2,Oslo,2.5,2026-02-01\n3,Bern,3.5,\n4,Kiel,,2026-03-01\n");
        var after = await IngestAsync(Header + "2,Oslo,2.5,2026-02-01\n3,Bern,30.5,2026-02-14\n4,Kiel,,2026-03-01\n5,Graz,5.5,2026-04-01\n");

        var diff = await CompareAsync(before, after);

        diff.Rows.Key.Should().Equal("order");
        (diff.Rows.Added, diff.Rows.Removed, diff.Rows.Changed, diff.Rows.Same, diff.Rows.Note).Should().Be((1, 1, 1, 2, null));
        diff.Rows.AddedRows.Single()["city"].Should().Be("Graz");
        diff.Rows.RemovedRows.Single()["city"].Should().Be("Rome");
        diff.Rows.ChangedCells.Should().Equal(new Dictionary<string, long> { ["amount"] = 1, ["at"] = 1 });
        var changed = diff.Rows.ChangedRows.Single();
        changed.Key.Single().Key.Should().Be("order");
        changed.Cells["amount"].Should().Be(new ChangedCell(3.5, 30.5));
        changed.Cells["at"].Should().Be(new ChangedCell(null, new DateTime(2026, 2, 14)));
        changed.Cells.Should().HaveCount(2);
    }

    [Fact]
    public async Task A_table_that_is_read_several_times_comes_to_the_same()
    {
        var rows = Enumerable.Range(0, 400).ToList();
        var before = await OpenAsync(Header + string.Concat(rows.Select(i => $"{i},Rome,{i}.5,\n")));
        var after = await OpenAsync(Header + string.Concat(rows.Where(i => i % 7 > 0).Select(i => $"{i + (i % 5 / 4 * 1000)},Rome,{i + (i % 3 / 2)}.5,\n")));
        using var session = bench.Host.Get<DuckDb>().Open(columns: 8, default);
        var found = new[] { 1_000_000, 300, 1 }
            .Select(rowsAtOnce => new KeyedRows(session, before, after, ["order"], ["order", "city", "amount"], rowsAtOnce)).Select(keyed => keyed.Compare(0))
            .ToList();

        var added = rows.Count(i => i % 7 > 0 && i % 5 == 4);
        found[0].Should().Match<RowDiff>(diff => diff.Added == added && diff.Removed == 400 - (rows.Count(i => i % 7 > 0) - added));
        found[0].Changed.Should().Be(rows.Count(i => i % 7 > 0 && i % 5 < 4 && i % 3 == 2));
        found[0].Same.Should().Be(rows.Count(i => i % 7 > 0 && i % 5 < 4 && i % 3 < 2));
        found.Should().AllBeEquivalentTo(found[0]);
    }

    [Fact]
    public async Task Without_ids_equal_rows_are_counted_as_often_as_they_stand()
    {
        var before = await IngestAsync("city,amount\nRome,1\nRome,1\nRome,1\nOslo,2\nBern,\n");
        var after = await IngestAsync("city,amount\nRome,1\nOslo,2\nOslo,2\nBern,\nKiel,3\n");

        var diff = await CompareAsync(before, after);

        (diff.Rows.Key.Count, diff.Rows.Added, diff.Rows.Removed, diff.Rows.Changed, diff.Rows.Same).Should().Be((0, 2, 2, 0, 3));
        diff.Rows.RemovedRows.Should().OnlyContain(row => (string)row["city"]! == "Rome");
        diff.Rows.AddedRows.Select(row => row["city"]).Distinct().Should().BeEquivalentTo(["Oslo", "Kiel"]);
    }

    [Fact]
    public async Task A_column_that_only_looks_like_ids_is_no_key()
    {
        const string Rows = "booking_id,city,amount\n";
        var before = await IngestAsync(Rows + string.Concat(Enumerable.Range(1, 60).Select(i => $"{i},Rome,{i}.5\n")));
        var after = await IngestAsync(Rows + string.Concat(Enumerable.Range(1, 60).Select(i => $"{i},Rome,{(i == 7 ? 70 : i)}.5\n")));

        var diff = await CompareAsync(before, after);

        (await bench.Host.Get<DatasetStore>().GetAsync(before.Id, default)).Columns[0].Kind.Should().Be(ColumnKind.IdLike);
        (diff.Rows.Key.Count, diff.Rows.Added, diff.Rows.Removed, diff.Rows.Changed, diff.Rows.Same, diff.Rows.Note).Should().Be((0, 1, 1, 0, 59, null));
    }

    [Fact]
    public async Task Columns_that_came_went_or_changed_their_type_are_told_and_rows_compared_by_the_others()
    {
        var before = await IngestAsync("city,amount,old,code\nRome,1,x,7\nOslo,2,y,8\n");
        var after = await IngestAsync("city,amount,new,code\nRome,1,5,A7\nOslo,2,6,A8\n");

        var diff = await CompareAsync(before, after);

        diff.Columns.Added.Select(column => column.Name).Should().Equal("new");
        diff.Columns.Removed.Select(column => column.Name).Should().Equal("old");
        diff.Columns.Changed.Should().Equal(new ChangedColumn("code", StorageType.Double, StorageType.Varchar));
        (diff.Rows.Added, diff.Rows.Removed, diff.Rows.Same).Should().Be((0, 0, 2));
    }

    [Fact]
    public async Task A_key_that_does_not_tell_rows_apart_is_refused_and_declared_ids_that_do_not_are_told()
    {
        var before = await IngestAsync(Header + "1,Rome,1.5,\n1,Oslo,2.5,\n");
        var after = await IngestAsync(Header + "1,Rome,1.5,\n2,Oslo,2.5,\n");

        (await CompareAsync(before, after)).Rows.Note.Should().Be("Rows cannot be told apart by order: 2 rows of the first version have order = '1'.");
        (await this.Awaiting(_ => CompareAsync(before, after, new DataDiffRequest(["order"]))).Should().ThrowAsync<InputException>())
            .WithMessage("*cannot be told apart by order*");
        (await this.Awaiting(_ => CompareAsync(before, after, new DataDiffRequest(["nowhere"]))).Should().ThrowAsync<InputException>())
            .WithMessage("*'nowhere'*");
        (await CompareAsync(before, after, new DataDiffRequest(["city"]))).Rows.Should()
            .Match<RowDiff>(rows => rows.Changed == 1 && rows.Same == 1 && rows.ChangedCells["order"] == 1);
    }

    [Fact]
    public async Task Values_that_moved_are_told_with_both_sides()
    {
        var before = await IngestAsync(Moved(0));
        var after = await IngestAsync(Moved(50));

        var diff = await CompareAsync(before, after);
        var without = await CompareAsync(before, after, new DataDiffRequest(Statistics: false));

        var amount = diff.Statistics!.Single(column => column.Column == "amount");
        (amount.Drifted, amount.Reference.Min, amount.Current.Min, amount.Current.Mean).Should().Be((true, 0.5, 50.5, 60.0));
        diff.Statistics!.Single(column => column.Column == "city").Drifted.Should().BeFalse();
        without.Statistics.Should().BeNull();
    }

    private static string Moved(int by) =>
        "city,amount\n" + string.Concat(Enumerable.Range(0, 400).Select(i => $"{(i % 2 == 0 ? "Rome" : "Oslo")},{by + (i % 20)}.5\n"));

    [Fact]
    public async Task Names_and_cells_that_look_like_SQL_are_only_names_and_cells()
    {
        const string Names = "\"a\"\"; DROP TABLE keyed; --\",\"'x' || \"\"\",amount\n";
        var before = await IngestAsync(Names + "1,\"'); DROP TABLE whole; --\",1\n2,b,2\n");
        var after = await IngestAsync(Names + "1,\"'); DROP TABLE whole; --\",1\n2,c,2\n");

        var diff = await CompareAsync(before, after, new DataDiffRequest(["a\"; DROP TABLE keyed; --"]));

        (diff.Rows.Changed, diff.Rows.Same).Should().Be((1, 1));
        diff.Rows.ChangedCells.Keys.Should().Equal("'x' || \"");
    }

    private async Task<DataEntry> IngestAsync(string csv)
    {
        var declared = csv.StartsWith(Header, StringComparison.Ordinal) ? definition : definition with { Columns = new Dictionary<string, ColumnRule>() };
        var raw = await bench.IngestTextAsync(declared, csv);
        return new DataEntry(raw.Raw.Id, "diffs", "raw", default, raw.Raw.Rows, 0, 0, "", "test.csv");
    }

    private async Task<LocalTable> OpenAsync(string csv)
    {
        var datasets = bench.Host.Get<DatasetStore>();
        return await datasets.OpenAsync(await datasets.GetAsync((await IngestAsync(csv)).Id, default), default);
    }

    private Task<DataDiff> CompareAsync(DataEntry before, DataEntry after, DataDiffRequest? request = null) =>
        bench.Host.Get<DataComparison>().CompareAsync(before, after, request ?? new DataDiffRequest(), default);
}
