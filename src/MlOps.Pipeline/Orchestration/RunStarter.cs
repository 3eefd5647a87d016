using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>What every trigger (HTTP, CLI, schedule, new file) calls to start a run.</summary>
public sealed class RunStarter(DefinitionStore definitions, RunStore runs, PipelineStorage storage, IPipelineEngine engine, TimeProvider time)
{
    /// <summary>How long an approval may take when the definition does not say.</summary>
    public static TimeSpan DefaultApprovalTimeout { get; } = TimeSpan.FromDays(1);

    /// <summary>Starts a run of the model's current definition.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="source">A blob <c>raw/{model}/{file}</c> or a local path; null: the newest file in <c>raw/{model}/</c>.</param>
    /// <param name="trigger">What started it: see <see cref="Run.Trigger"/>.</param>
    /// <param name="cancel">Stops the start, not the run.</param>
    /// <param name="runId">Given by a caller that may call twice; null: a new one.</param>
    /// <param name="goal">How far it goes.</param>
    /// <exception cref="InputException">The model has no definition, or there is no file to run on.</exception>
    public async Task<Run> StartAsync(
        string model, string? source, string trigger, CancellationToken cancel, string? runId = null, RunGoal goal = RunGoal.Model)
    {
        var definition = await definitions.FindAsync(model, cancel)
            ?? throw new InputException($"Model '{model}' has no pipeline definition. PUT /pipelines/{model} first, or use the 'train' command, which infers one.");
        source ??= await FindNewestRawFileAsync(model, cancel) is { } newest
            ? "raw/" + newest.Name
            : throw new InputException($"There is no raw file for model '{model}'. PUT /raw/{model}/{{file}} first, or name a 'source'.");
        return await StartAsync(definition, await definitions.SnapshotAsync(definition, cancel), source, trigger, goal, runId, cancel);
    }

    /// <summary>The newest file in <c>raw/{model}/</c>, or null.</summary>
    public async Task<BlobItem?> FindNewestRawFileAsync(string model, CancellationToken cancel)
    {
        var newest = default(BlobItem);
        await foreach (var blob in storage.Raw.GetBlobsAsync(default, default, model + "/", cancel))
        {
            if (newest is null || blob.Properties.LastModified > newest.Properties.LastModified)
            {
                newest = blob;
            }
        }
        return newest;
    }

    /// <summary>Starts a new run of an earlier run's source, definition and goal, as they were then. Data that it made is reused.</summary>
    /// <exception cref="InputException">The stored definition is gone.</exception>
    public async Task<Run> RetryAsync(Run earlier, CancellationToken cancel)
    {
        var definition = await definitions.GetSnapshotAsync(earlier.DefinitionId, cancel);
        return await StartAsync(definition, earlier.DefinitionId, earlier.Source, "retry", earlier.Goal, runId: null, cancel);
    }

    /// <summary>What the orchestration of a run starts from; the same for the same run, now and after a crash.</summary>
    public static RunInput Plan(Run run, PipelineDefinition definition) => new(
        run.RunId, run.Model, run.DefinitionId, run.Source, definition.CandidateKeys,
        definition.Gates.Approval.Required ? definition.Gates.Approval.Timeout ?? DefaultApprovalTimeout : null);

    private async Task<Run> StartAsync(
        PipelineDefinition definition, string definitionId, string source, string trigger, RunGoal goal, string? runId, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var run = new Run
        {
            RunId = runId ?? RunId.New(definition.Model, now),
            Model = definition.Model,
            State = RunState.Queued,
            DefinitionId = definitionId,
            Source = source,
            Trigger = trigger,
            Created = now,
            Goal = goal,
            Overlap = definition.RunOn.Overlap,
        };
        if (!await runs.CreateAsync(run, cancel))
        {
            run = (await runs.FindAsync(run.RunId, cancel))!;
        }
        await engine.StartAsync(Plan(run, definition), cancel);
        return run;
    }
}
