using MlOps.Pipeline.Tracking;
using MlOps.Testing;
using MlOps.Web.Dashboard;

namespace MlOps.Web.Tests.Dashboard;

[Collection(AzuriteFixture.Collection)]
public sealed class RunCatalogTests(AzuriteFixture azurite) : WebTests(azurite)
{
    private RunCatalog Catalog => Host.Get<RunCatalog>();

    private RunQuery Mine => new() { Model = Model };

    [Fact]
    public async Task Runs_are_filtered_by_what_they_are_and_sorted_by_what_they_came_to()
    {
        var low = await EndedAsync(RunState.Succeeded, rmse: 1.5);
        var high = await EndedAsync(RunState.Blocked, rmse: 4);
        var failed = await EndedAsync(RunState.Failed, rmse: null);

        (await IdsAsync(Mine)).Should().Equal(failed, high, low);
        (await IdsAsync(Mine with { Sort = "oldest" })).Should().Equal(low, high, failed);
        (await IdsAsync(Mine with { State = RunState.Blocked })).Should().Equal(high);
        (await IdsAsync(Mine with { Metric = "val_rmse", Sort = "lowest" })).Should().Equal(low, high);
        (await IdsAsync(Mine with { Metric = "val_rmse", Sort = "highest" })).Should().Equal(high, low);
        (await IdsAsync(Mine with { Metric = "val_rmse", Min = 2 })).Should().Equal(high);
        (await IdsAsync(Mine with { Metric = "val_rmse", Max = 1.5 })).Should().Equal(low);
        (await IdsAsync(Mine with { Trigger = "schedule" })).Should().BeEmpty();
        (await IdsAsync(Mine with { From = DateTimeOffset.UtcNow.AddHours(1) })).Should().BeEmpty();
        (await IdsAsync(Mine with { Until = DateTimeOffset.UtcNow.AddHours(1), Goal = RunGoal.Model })).Should().HaveCount(3);
        var (page, hasMore, count) = await Catalog.FindAsync(Mine with { Skip = 1 }, take: 1, default);
        (page.Single().RunId, hasMore, count).Should().Be((high, true, 3));
    }

    [Fact]
    public async Task What_came_changed_or_went_since_it_was_read_is_known()
    {
        var working = await AddRunAsync(RunState.Running);
        (await IdsAsync(Mine with { State = RunState.Running })).Should().Equal(working.RunId);

        await Runs.MarkEndedAsync(working.RunId, RunState.Failed, "no rows", default);
        var later = await EndedAsync(RunState.Succeeded, rmse: 2);

        (await IdsAsync(Mine with { State = RunState.Running })).Should().BeEmpty();
        (await IdsAsync(Mine)).Should().Equal(later, working.RunId);
        await Runs.DeleteAsync(later, default);
        (await IdsAsync(Mine)).Should().Equal(working.RunId);
    }

    private async Task<IReadOnlyList<string>> IdsAsync(RunQuery query) =>
        [.. (await Catalog.FindAsync(query, take: 100, default)).Runs.Select(run => run.RunId)];

    private async Task<string> EndedAsync(RunState state, double? rmse)
    {
        var run = await AddRunAsync(RunState.Running);
        var metrics = rmse is { } value ? new Dictionary<string, double> { ["val_rmse"] = value } : null;
        await Runs.UpdateAsync(run.RunId, found => found with { State = state, Ended = DateTimeOffset.UtcNow, Metrics = metrics }, default);
        return run.RunId;
    }
}
