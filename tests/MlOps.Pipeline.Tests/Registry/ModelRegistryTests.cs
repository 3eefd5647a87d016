using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Registry;

[Collection(AzuriteFixture.Collection)]
public sealed class ModelRegistryTests(AzuriteFixture azurite)
{
    private readonly ModelRegistry registry = new(azurite.NewStorage(), TimeProvider.System);
    private readonly string model = AzuriteFixture.UniqueModel();

    [Fact]
    public async Task Registering_the_same_run_again_gives_the_same_version()
    {
        var first = await registry.RegisterAsync(Version("run-1"), default);
        var again = await registry.RegisterAsync(Version("run-1"), default);

        again.Version.Should().Be(first.Version).And.Be(1);
        (await registry.ListVersionsAsync(model, default)).Should().ContainSingle();
    }

    [Fact]
    public async Task Many_writers_at_once_leave_no_gap_and_no_duplicate()
    {
        var versions = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => registry.RegisterAsync(Version($"run-{i}"), default)));

        versions.Select(version => version.Version).Order().Should().Equal(Enumerable.Range(1, 16));
        (await registry.FindAsync(model, default))!.LatestVersion.Should().Be(16);
    }

    [Fact]
    public async Task A_promotion_that_rests_on_another_production_version_is_a_conflict()
    {
        await registry.RegisterAsync(Version("run-1"), default);
        await registry.RegisterAsync(Version("run-2"), default);
        (await registry.PromoteAsync(model, 1, expectedProduction: null, "run-1", default)).Should().Be(new PromotionResult(Promoted: true, Conflict: false));

        (await registry.PromoteAsync(model, 2, expectedProduction: null, "run-2", default)).Should().Be(new PromotionResult(Promoted: false, Conflict: true));
        (await registry.PromoteAsync(model, 2, expectedProduction: 1, "run-2", default)).Promoted.Should().BeTrue();
    }

    [Fact]
    public async Task A_promotion_repeated_after_a_rollback_does_not_move_production_again()
    {
        await registry.RegisterAsync(Version("run-1"), default);
        await registry.RegisterAsync(Version("run-2"), default);
        await registry.PromoteAsync(model, 1, null, "run-1", default);
        await registry.PromoteAsync(model, 2, 1, "run-2", default);
        await registry.RollbackAsync(model, from: null, default);

        (await registry.PromoteAsync(model, 2, 1, "run-2", default)).Promoted.Should().BeTrue("this run did promote");

        (await registry.FindAsync(model, default))!.Production.Should().Be(1);
    }

    [Fact]
    public async Task Of_many_promotions_at_once_exactly_one_succeeds()
    {
        for (var i = 0; i < 8; i++)
        {
            await registry.RegisterAsync(Version($"run-{i}"), default);
        }

        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => registry.PromoteAsync(model, i + 1, null, $"run-{i}", default)));

        results.Count(result => result.Promoted).Should().Be(1);
        results.Count(result => result.Conflict).Should().Be(7);
    }

    [Fact]
    public async Task Rollback_without_an_earlier_version_says_so()
    {
        (await registry.Awaiting(r => r.RollbackAsync(model, from: null, default)).Should().ThrowAsync<InputException>())
            .WithMessage("*no version in production*");
        await registry.RegisterAsync(Version("run-1"), default);
        await registry.PromoteAsync(model, 1, null, "run-1", default);
        (await registry.Awaiting(r => r.RollbackAsync(model, from: null, default)).Should().ThrowAsync<InputException>())
            .WithMessage("*version 1 is the first*");
    }

    [Fact]
    public async Task A_rollback_whose_answer_was_lost_goes_back_once_when_it_is_tried_again()
    {
        await PromoteThreeAsync();
        var lossy = new AnswerLost((method, path) => method == "POST" && path.EndsWith("/$batch", StringComparison.Ordinal));

        var model = await new ModelRegistry(lossy.Storage(azurite), TimeProvider.System).RollbackAsync(this.model, from: null, default);

        lossy.Lost.Should().Be(1);
        model.Production.Should().Be(2);
        (await registry.FindAsync(this.model, default))!.Production.Should().Be(2);
    }

    [Fact]
    public async Task Two_people_who_roll_back_the_same_version_go_back_once()
    {
        await PromoteThreeAsync();

        var both = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => registry.RollbackAsync(model, from: 3, default)));

        both.Should().OnlyContain(seen => seen.Production == 2);
        (await registry.ListHistoryAsync(model, default)).Count(change => change.Reason == "rolled back").Should().Be(1);
    }

    [Fact]
    public async Task A_rollback_of_a_version_that_somebody_else_has_replaced_is_refused()
    {
        await PromoteThreeAsync();
        await registry.RollbackAsync(model, from: 3, default);
        await registry.SetAliasAsync(model, ModelAlias.Production, 1, "test", default);

        var late = () => registry.RollbackAsync(model, from: 3, default);

        (await late.Should().ThrowAsync<InputException>()).WithMessage("Version 3 of model*is not in production, version 1 is*");
        (await registry.FindAsync(model, default))!.Production.Should().Be(1);
    }

    private async Task PromoteThreeAsync()
    {
        for (var version = 1; version <= 3; version++)
        {
            await registry.RegisterAsync(Version($"run-{version}"), default);
            await registry.SetAliasAsync(model, ModelAlias.Production, version, "test", default);
        }
    }

    [Fact]
    public async Task An_alias_of_one_s_own_points_where_it_is_told_to_and_only_at_versions_that_exist()
    {
        await registry.RegisterAsync(Version("run-1"), default);

        (await registry.SetAliasAsync(model, "shadow", 1, "test", default)).Aliases.Should().Contain("shadow", 1);
        (await registry.Awaiting(r => r.SetAliasAsync(model, "shadow", 9, "test", default)).Should().ThrowAsync<InputException>())
            .WithMessage("*no version 9*");
    }

    private ModelVersion Version(string runId) => new()
    {
        Model = model,
        RunId = runId,
        DefinitionId = "d",
        Task = TaskKind.Regression,
        Candidate = "0-lightgbm",
        ModelBlobs = "models/x",
        Metrics = new Dictionary<string, double> { ["val_rmse"] = 1 },
        Lineage = new ModelLineage("a", "b", "c", "d", "e"),
    };
}
