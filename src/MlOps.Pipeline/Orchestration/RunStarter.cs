using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.OpenLineage;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>What every trigger (HTTP, CLI, schedule, new file) calls to start a run.</summary>
public sealed class RunStarter(
    DefinitionStore definitions, RunStore runs, PipelineStorage storage, RunSources sources, LineageOutbox outbox, IPipelineEngine engine, TimeProvider time)
{
    /// <summary>How long an approval may take when the definition does not say.</summary>
    public static TimeSpan DefaultApprovalTimeout { get; } = TimeSpan.FromDays(1);

    /// <summary>Starts a run of the model's current definition.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="source">See <see cref="RunRequest.Source"/>.</param>
    /// <param name="trigger">What started it: see <see cref="Run.Trigger"/>.</param>
    /// <param name="cancel">Stops the start, not the run.</param>
    /// <exception cref="InputException">The model has no definition, or there is no file to run on.</exception>
    public Task<Run> StartAsync(string model, string? source, string trigger, CancellationToken cancel) =>
        StartAsync(new RunRequest(model, source, trigger), cancel);

    /// <inheritdoc cref="StartAsync(string, string?, string, CancellationToken)"/>
    /// <param name="request">What to run.</param>
    /// <param name="cancel">Stops the start, not the run.</param>
    public async Task<Run> StartAsync(RunRequest request, CancellationToken cancel)
    {
        var (model, source, _) = request;
        var definition = await FindAsync(model, cancel);
        if (request.Data is not null || source is null)
        {
            var found = request.Data is { } name ? await sources.OfVersionAsync(model, name, cancel) : await sources.DefaultAsync(definition, cancel);
            request = request with { Source = found.Source, SourceETag = found.ETag, Data = found.Data };
        }
        return await StartAsync(request, definition, await definitions.SnapshotAsync(definition, cancel), cancel);
    }

    /// <summary>What a run of the model reads for which nobody names anything.</summary>
    /// <exception cref="InputException">There is nothing to read.</exception>
    public Task<RunSource> FindDefaultSourceAsync(string model, CancellationToken cancel) => sources.DefaultAsync(model, cancel);

    /// <summary>Starts a run that brings a version into production by way of a canary.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="order">Which version, in whose place.</param>
    /// <param name="wish">How, where it is not as the definition says.</param>
    /// <param name="trigger">What started it: see <see cref="Run.Trigger"/>.</param>
    /// <param name="cancel">Stops the start, not the run.</param>
    /// <exception cref="InputException">The model has no definition, or keeps no predictions that the version could be judged by.</exception>
    public async Task<Run> StartCanaryAsync(string model, CanaryOrder order, CanaryWish wish, string trigger, CancellationToken cancel)
    {
        var definition = await FindAsync(model, cancel);
        if (!definition.Monitor.Log)
        {
            throw new InputException($"Model '{model}' keeps nothing of what it answers (monitor.log is false), so that no version can be judged by it.");
        }
        var rules = definition.Traffic;
        var hold = wish.Hold ?? rules.Hold;
        // Whoever wishes for longer steps is not refused for a patience that nobody named.
        var patience = wish.Patience ?? (rules.Patience > hold ? rules.Patience : hold);
        var plan = new CanaryPlan(wish.Steps ?? (rules.Steps.Count > 0 ? rules.Steps : TrafficRules.UsualSteps), hold, patience);
        if (plan.Problems("").ToList() is { Count: > 0 } problems)
        {
            throw new InputException(problems);
        }
        var request = new RunRequest(model, string.Create(CultureInfo.InvariantCulture, $"models/{model}/versions/{order.Version}"), trigger)
        {
            Goal = RunGoal.Canary,
            Canary = order with { Plan = plan },
        };
        return await StartAsync(request, definition, await definitions.SnapshotAsync(definition, cancel), cancel);
    }

    /// <summary>Starts a run that scores a table.</summary>
    /// <param name="request">What to score, and with which version.</param>
    /// <param name="reading">How its cells are read.</param>
    /// <param name="cancel">Stops the start, not the run.</param>
    public async Task<Run> StartScoreAsync(RunRequest request, PipelineDefinition reading, CancellationToken cancel) =>
        await StartAsync(request, reading, await definitions.SnapshotAsync(reading, cancel), cancel);

    /// <summary>Starts a new run of an earlier run's source, definition and goal, as they were then. Data that it made is reused.</summary>
    /// <exception cref="InputException">The stored definition is gone.</exception>
    public async Task<Run> RetryAsync(Run earlier, CancellationToken cancel)
    {
        var definition = await definitions.GetSnapshotAsync(earlier.DefinitionId, cancel);
        var request = new RunRequest(earlier.Model, earlier.Source, "retry")
        {
            Goal = earlier.Goal,
            Data = earlier.Data,
            Canary = earlier.Canary,
            Score = earlier.Score,
        };
        return await StartAsync(request, definition, earlier.DefinitionId, cancel);
    }

    /// <summary>What the orchestration of a run starts from; the same for the same run, now and after a crash.</summary>
    public static RunInput Plan(Run run, PipelineDefinition definition) => new(
        run.RunId, run.Model, run.DefinitionId, run.Source, definition.CandidateKeys,
        definition.Gates.Approval.Required ? definition.Gates.Approval.Timeout ?? DefaultApprovalTimeout : null,
        !definition.Expect.IsEmpty)
    {
        Canary = run.Canary?.Plan ?? definition.Traffic.Canary,
        CanaryOf = run.Canary,
        ScoreWith = run.Score,
    };

    private async Task<PipelineDefinition> FindAsync(string model, CancellationToken cancel) => await definitions.FindAsync(model, cancel)
        ?? throw new InputException(
            $"Model '{model}' has no pipeline definition. PUT /pipelines/{model} first, or use the 'train' command, which infers one.");

    /// <summary>Null for a local file, and for one that is not there: stage ingest says so.</summary>
    private async Task<string?> FindETagAsync(string source, CancellationToken cancel)
    {
        if (!source.StartsWith(RunSources.BlobPrefix, StringComparison.Ordinal))
        {
            return null;
        }
        var asking = storage.Raw.GetBlobClient(source[RunSources.BlobPrefix.Length..]).GetPropertiesAsync(cancellationToken: cancel);
        return (await asking.OrNullAsync())?.Value.ETag.ToString();
    }

    private async Task<Run> StartAsync(RunRequest request, PipelineDefinition definition, string definitionId, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var run = new Run
        {
            RunId = request.RunId ?? RunId.New(definition.Model, now),
            Model = definition.Model,
            State = RunState.Queued,
            DefinitionId = definitionId,
            Source = request.Source!,
            SourceETag = request.SourceETag ?? await FindETagAsync(request.Source!, cancel),
            Data = request.Data,
            Trigger = request.Trigger,
            Created = now,
            Goal = request.Goal,
            Canary = request.Canary,
            Score = request.Score,
            Version = request.Canary?.Version ?? request.Score?.Version,
            Overlap = definition.RunOn.Overlap,
        };
        await outbox.AddAsync(run.RunId, cancel);
        if (!await runs.CreateAsync(run, cancel))
        {
            // Its starter may have died before the engine knew of it, and the model's definition may be another by now.
            run = (await runs.FindAsync(run.RunId, cancel))!;
            definition = run.DefinitionId == definitionId ? definition : await definitions.GetSnapshotAsync(run.DefinitionId, cancel);
        }
        await engine.StartAsync(Plan(run, definition), cancel);
        return run;
    }
}

/// <summary>What a run is asked to do.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Source">A blob <c>raw/{model}/{file}</c> or a local path; null: what the definition pins, or the newest file.</param>
/// <param name="Trigger">What started it: see <see cref="Run.Trigger"/>.</param>
public sealed record RunRequest(string Model, string? Source, string Trigger)
{
    /// <summary>Given by a caller that may ask twice; null: a new one.</summary>
    public string? RunId { get; init; }

    /// <summary>See <see cref="Run.SourceETag"/>; null: that of the blob as it is now.</summary>
    public string? SourceETag { get; init; }

    /// <summary>A raw dataset version to read in place of a file, by what a person calls it; null: none was named.</summary>
    public string? Data { get; init; }

    /// <summary>How far it goes.</summary>
    public RunGoal Goal { get; init; }

    /// <summary>See <see cref="Run.Canary"/>.</summary>
    public CanaryOrder? Canary { get; init; }

    /// <summary>See <see cref="Run.Score"/>.</summary>
    public ScoreOrder? Score { get; init; }
}
