using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.OpenLineage;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;

namespace MlOps.Local.Hosting;

/// <summary>A run once more, in this process on a storage of its own, and whether it comes to the same.</summary>
internal sealed class RunReproduction(HostSettings settings, RunStore runs, DefinitionStore definitions, RunFacts facts, PipelineStorage storage)
{
    /// <summary>
    /// What the run ran on: its raw rows, its definition, and the columns that it split by where production had chosen them; and what it came to.
    /// </summary>
    /// <exception cref="InputException">There is nothing to run again.</exception>
    public async Task<ReproductionPlan> PlanAsync(RunDetails details, CancellationToken cancel)
    {
        var run = details.Run;
        if (run.Goal == RunGoal.Score)
        {
            throw new InputException(
                $"Run '{run.RunId}' scored a table, and trained nothing. Score it again, and compare the two scored versions with 'data diff'.");
        }
        var ingested = await runs.FindResultAsync(run.RunId, IngestStage.Name, "", cancel)
            ?? throw new InputException($"Run '{run.RunId}' read no table: there is nothing to run again.");
        var definition = await definitions.GetSnapshotAsync(run.DefinitionId, cancel);
        var (raw, key) = (Json.Read<IngestOutput>(ingested).Raw.Id, Json.Read<IngestOutput>(ingested).SplitKey);
        // Whoever was asked for an approval then is not asked again.
        definition = definition with
        {
            Split = definition.Split with { Key = key ?? definition.Split.Key },
            Gates = definition.Gates with { Approval = new ApprovalRule() },
        };
        return new ReproductionPlan(definition, raw, run.Goal, await facts.ReadAsync(details, cancel));
    }

    /// <summary>Runs it again. Nothing in the original storage changes, and whatever was made for this is gone at the end.</summary>
    /// <param name="plan">What.</param>
    /// <param name="progress">Told one line when there is something to wait for.</param>
    /// <param name="follow">Waits for the run's end.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException">The rows are gone, or damaged.</exception>
    /// <exception cref="Storage.EnvironmentProblemException">There can be no storage of its own.</exception>
    public async Task<RunComparison> RunAsync(ReproductionPlan plan, Action<string> progress, FollowRun follow, CancellationToken cancel)
    {
        using var folder = ScratchFolder.Create();
        var scratch = Scratch(folder);
        await using var own = await LocalStorage.OwnAsync(scratch, progress, cancel);
        await using var host = await LocalHost.StartAsync(scratch, own, HostParts.Engine, cancel);
        var services = host.Services;
        await DataCopy.CopyAsync(storage, services.GetRequiredService<PipelineStorage>(), plan.Raw, cancel);
        await services.GetRequiredService<DefinitionStore>().PutAsync(plan.Definition, cancel);
        var request = new RunRequest(plan.Definition.Model, StoredSource.Of(plan.Raw), "reproduce") { Goal = plan.Goal };
        var run = await services.GetRequiredService<RunStarter>().StartAsync(request, cancel);
        var details = await follow(services.GetRequiredService<RunStore>(), run.RunId, plan.Definition.CandidateKeys, cancel);
        var found = await services.GetRequiredService<RunFacts>().ReadAsync(details, cancel);
        return RunFacts.Compare(plan.Facts, found, details.Run.Error);
    }

    /// <summary>The same host on a storage of its own, from which nobody is told anything.</summary>
    private HostSettings Scratch(ScratchFolder folder) => settings with
    {
        IsScratch = true,
        DataFolder = folder.FullName,
        Storage = null,
        ServeOnly = false,
        Port = 0,
        Services = services =>
        {
            settings.Services?.Invoke(services);
            services.RemoveAll<IAlertChannel>().RemoveAll<OpenLineageOptions>().AddSingleton(new OpenLineageOptions());
        },
    };
}

/// <summary>Waits until a run has ended, and may show it meanwhile.</summary>
internal delegate Task<RunDetails> FollowRun(RunStore runs, string runId, IReadOnlyList<string> candidates, CancellationToken cancel);

/// <param name="Definition">What the run went by.</param>
/// <param name="Raw">The dataset version that it read.</param>
/// <param name="Goal">How far it went.</param>
/// <param name="Facts">What it came to.</param>
internal sealed record ReproductionPlan(PipelineDefinition Definition, string Raw, RunGoal Goal, IReadOnlyList<RunFact> Facts);
