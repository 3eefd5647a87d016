using Azure;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Serving.Triggers;

/// <summary>One state of a file in container <c>raw</c>.</summary>
/// <param name="Name">Its name within the container, <c>{model}/{file}</c>.</param>
/// <param name="ETag">Changes with its content.</param>
/// <param name="Modified">When it came to be.</param>
public sealed record RawFile(string Name, ETag ETag, DateTimeOffset Modified)
{
    /// <summary>The model in whose folder it is; null outside of folders.</summary>
    public string? Model => ModelOf(Name);

    /// <inheritdoc cref="Model"/>
    public static string? ModelOf(string name) => name.Split('/') is [var model, _, ..] ? model : null;
}

/// <summary>
/// Starts a run for every raw file of a model that has a definition: it ingests the file, and trains on it when the definition says so
/// (<c>runOn.newFile</c>). The same state of a file starts one run, however often it is told, and none where a person was faster: who uploads a file and trains
/// on it is not to be trained on twice.
/// </summary>
public sealed partial class RawFileIntake(DefinitionStore definitions, RunStarter starter, RunStore runs, ILogger<RawFileIntake> logger)
{
    /// <summary>A person who trains on a new file does so soon.</summary>
    private const int MostLookedAt = 20;

    /// <summary>The file's run; null when it starts none, which the log explains.</summary>
    public async Task<Run?> TakeAsync(RawFile file, CancellationToken cancel)
    {
        try
        {
            return await StartAsync(file, cancel);
        }
        catch (InputException wrong)
        {
            LogNotStarted(file.Name, wrong.Message);
            return null;
        }
    }

    private async Task<Run?> StartAsync(RawFile file, CancellationToken cancel)
    {
        if (file.Model is not { } model)
        {
            LogNotStarted(file.Name, "it is in no model's folder");
            return null;
        }
        if (await definitions.FindAsync(model, cancel) is not { } definition)
        {
            LogNotStarted(file.Name, "its model has no pipeline definition");
            return null;
        }
        if (await FindReaderAsync(model, file, cancel) is { } reader)
        {
            LogIsRead(file.Name, reader.RunId);
            return null;
        }
        var goal = definition.RunOn.NewFile ? RunGoal.Model : RunGoal.Dataset;
        var run = await starter.StartAsync(
            new RunRequest(model, "raw/" + file.Name, RunTriggers.File)
            {
                RunId = RunId.Of(model, file.Modified, $"{file.Name}|{file.ETag}"),
                SourceETag = file.ETag.ToString(),
                Goal = goal,
            },
            cancel);
        LogStarted(file.Name, run.RunId, run.Goal);
        return run;
    }

    /// <summary>
    /// A run among the newest that somebody else started on this state of the file, and that came, or may come, to something; null: there is none.
    /// </summary>
    private async Task<Run?> FindReaderAsync(string model, RawFile file, CancellationToken cancel) =>
        (await runs.ListAsync(model, MostLookedAt, cancel)).FirstOrDefault(run =>
            run.Trigger != RunTriggers.File && run.Goal == RunGoal.Model && run.State is not (RunState.Failed or RunState.Cancelled)
            && run.Source == "raw/" + file.Name && Plain(run.SourceETag) == Plain(file.ETag.ToString()));

    /// <summary>Listings tell it without quotes.</summary>
    private static string? Plain(string? etag) => etag?.Trim('"');

    [LoggerMessage(Level = LogLevel.Information, Message = "Raw file {File} started run {RunId} (goal: {Goal})")]
    private partial void LogStarted(string file, string runId, RunGoal goal);

    [LoggerMessage(Level = LogLevel.Information, Message = "Raw file {File} started no run: run {RunId} reads it")]
    private partial void LogIsRead(string file, string runId);

    [LoggerMessage(Level = LogLevel.Information, Message = "Raw file {File} started no run: {Reason}")]
    private partial void LogNotStarted(string file, string reason);
}
