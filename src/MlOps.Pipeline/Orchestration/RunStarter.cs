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
        var definition = await definitions.RequireAsync(model, cancel);
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

    /// <summary>Starts a run that trains nothing.</summary>
    /// <param name="request">What it is for; its source is named.</param>
    /// <param name="rules">The definition that it goes by.</param>
    /// <param name="cancel">Stops the start, not the run.</param>
    public async Task<Run> StartAsync(RunRequest request, PipelineDefinition rules, CancellationToken cancel) =>
        await StartAsync(request, rules, await definitions.SnapshotAsync(rules, cancel), cancel);

    /// <summary>Starts a new run of an earlier run's source, definition and goal, as they were then. Data that it made is reused.</summary>
    /// <exception cref="InputException">The stored definition is gone.</exception>
    public async Task<Run> RetryAsync(Run earlier, CancellationToken cancel)
    {
        var definition = await definitions.GetSnapshotAsync(earlier.DefinitionId, cancel);
        var request = new RunRequest(earlier.Model, earlier.Source, RunTriggers.Retry)
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

    /// <summary>
    /// An unfinished run that the file itself has started, of the same bytes and by the same definition: who uploads a file, declares its definition and trains
    /// on it may be slower than the look for new files, and means one run. The other order is <c>RawFileIntake</c>'s.
    /// </summary>
    private async Task<Run?> FindSameOfFileAsync(Run wanted, CancellationToken cancel) =>
        (await runs.ListUnfinishedAsync(wanted.Model, cancel)).FirstOrDefault(run =>
            run is { Trigger: RunTriggers.File, Goal: RunGoal.Model } && run.DefinitionId == wanted.DefinitionId && run.Source == wanted.Source
            && run.SourceETag?.Trim('"') == wanted.SourceETag?.Trim('"'));

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
            Reason = request.Reason,
            Created = now,
            Goal = request.Goal,
            Canary = request.Canary,
            Score = request.Score,
            Version = request.Canary?.Version ?? request.Score?.Version,
            Overlap = definition.RunOn.Overlap,
        };
        if (run is { Trigger: RunTriggers.Http, Goal: RunGoal.Model, Data: null } && await FindSameOfFileAsync(run, cancel) is { } under)
        {
            return under;
        }
        using var span = RunTrace.Start(run);
        run = run with { TraceParent = span?.Id };
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

    /// <summary>See <see cref="Run.Reason"/>.</summary>
    public string? Reason { get; init; }

    /// <summary>How far it goes.</summary>
    public RunGoal Goal { get; init; }

    /// <summary>See <see cref="Run.Canary"/>.</summary>
    public CanaryOrder? Canary { get; init; }

    /// <summary>See <see cref="Run.Score"/>.</summary>
    public ScoreOrder? Score { get; init; }
}
