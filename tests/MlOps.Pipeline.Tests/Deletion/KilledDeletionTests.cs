using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Deletion;

/// <summary>Each deletion dies after its first write, its second, and so on: the doctor finds nothing broken, and the same again finishes it.</summary>
public sealed class KilledDeletionTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>, IAsyncLifetime
{
    private readonly PipelineHost host = new(azurite);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => host.DisposeAsync().AsTask();

    [Fact]
    public Task A_run() => DieEverywhereAsync(
        async model =>
        {
            var run = await AddRunAsync(model);
            await host.Get<RunStore>().LogMetricsAsync(run.RunId, Enumerable.Range(0, 150).ToDictionary(i => $"m{i}", i => (double)i), default);
            foreach (var file in new[] { "a.html", "b.json" })
            {
                await host.Get<ArtifactStore>().SaveAsync(run.RunId, file, $"{run.RunId}/{file}", BinaryData.FromString("x"), default);
            }
            return run.RunId;
        },
        (dying, id) => dying.Get<RunDeletion>().DeleteAsync(id, default),
        async id => (await host.Get<RunStore>().FindAsync(id, default)).Should().BeNull(),
        fewestWrites: 5);

    [Fact]
    public Task A_model() => DieEverywhereAsync(
        async model =>
        {
            for (var i = 0; i < 45; i++)
            {
                await host.Get<ModelRegistry>().RegisterAsync(Version(model, (await AddRunAsync(model)).RunId), default);
            }
            return model;
        },
        (dying, model) => dying.Get<ModelDeletion>().DeleteAsync(model, default),
        async model =>
        {
            (await host.Get<ModelRegistry>().FindAsync(model, default)).Should().BeNull();
            (await host.Get<ModelRegistry>().ListDeletedAsync(model, default)).Should().HaveCount(45);
        },
        fewestWrites: 4);

    [Fact]
    public Task A_definition() => DieEverywhereAsync(
        async model =>
        {
            await host.Get<DefinitionStore>().PutAsync(new PipelineDefinition { Model = model, Target = "y" }, default);
            return model;
        },
        (dying, model) => dying.Get<DefinitionDeletion>().DeleteAsync(model, default),
        async model => (await host.Get<DefinitionStore>().FindAsync(model, default)).Should().BeNull(),
        fewestWrites: 2);

    private async Task DieEverywhereAsync(
        Func<string, Task<string>> make, Func<PipelineHost, string, Task<DeletionResult>> delete, Func<string, Task> check, int fewestWrites)
    {
        for (var writes = 0; ; writes++)
        {
            var made = await make(AzuriteFixture.UniqueModel());
            var before = await BrokenAsync();
            var death = new Dying(writes);
            await using (var dying = new PipelineHost(azurite, services => services.AddSingleton(death.Storage(azurite))))
            {
                var fault = await Record.ExceptionAsync(() => delete(dying, made));
                (fault is ProcessDiedException).Should().Be(death.IsDead, "{0}", fault);
            }
            (await BrokenAsync()).Should().BeSubsetOf(before, "it died after {0} writes", writes);
            var again = await delete(host, made);
            again.Refusal.Should().BeNull();
            await check(made);
            (await BrokenAsync()).Should().BeSubsetOf(before, "it died after {0} writes, and was done again", writes);
            if (!death.IsDead)
            {
                writes.Should().BeGreaterThanOrEqualTo(fewestWrites);
                again.Found.Should().BeFalse();
                return;
            }
        }
    }

    private async Task<Run> AddRunAsync(string model)
    {
        var now = DateTimeOffset.UtcNow;
        var run = new Run
        {
            RunId = RunId.New(model, now),
            Model = model,
            State = RunState.Succeeded,
            DefinitionId = await host.Get<DefinitionStore>().SnapshotAsync(new PipelineDefinition { Model = model, Target = "y" }, default),
            Source = $"raw/{model}/a.csv",
            Trigger = "http",
            Created = now,
            Ended = now,
        };
        await host.Get<RunStore>().CreateAsync(run, default);
        return run;
    }

    private static ModelVersion Version(string model, string runId) => new()
    {
        Model = model,
        RunId = runId,
        DefinitionId = $"{model}/0",
        Task = TaskKind.Regression,
        Candidate = "0-lightgbm",
        ModelBlobs = "models/x/y",
        Metrics = new Dictionary<string, double>(),
        Lineage = new ModelLineage("a", "b", "c", "d", "e"),
    };

    /// <summary>Versions without files and lineage are made up here: that is not what is asked.</summary>
    private async Task<IReadOnlyList<string>> BrokenAsync() =>
    [
        .. (await host.Get<StorageDoctor>().ExamineAsync(default)).Findings.Where(finding => finding.Kind == FindingKind.Broken)
            .Select(finding => $"{finding.Where}: {finding.Problem}")
            .Where(finding => !finding.Contains("Its file", StringComparison.Ordinal) && !finding.Contains("Dataset version", StringComparison.Ordinal)),
    ];
}
