using Azure;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Serving.Triggers;

/// <summary>One state of a file in container <c>raw</c>.</summary>
/// <param name="Name">Its name within the container, <c>{model}/{file}</c>.</param>
/// <param name="ETag">Changes with its content.</param>
/// <param name="Modified">When it came to be.</param>
public sealed record RawFile(string Name, ETag ETag, DateTimeOffset Modified);

/// <summary>Starts a run for a raw file when its model's definition says so (<c>runOn.newFile</c>). The same state of a file starts one run, however often it is told.</summary>
public sealed partial class RawFileIntake(DefinitionStore definitions, RunStarter starter, ILogger<RawFileIntake> logger)
{
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
        var model = file.Name.Split('/') is [var first, _, ..] ? first : null;
        if (model is null)
        {
            LogNotStarted(file.Name, "it is in no model's folder");
            return null;
        }
        var definition = await definitions.FindAsync(model, cancel);
        if (definition is not { RunOn.NewFile: true })
        {
            LogNotStarted(file.Name, definition is null ? "its model has no pipeline definition" : "its model's definition does not ask for it (runOn.newFile)");
            return null;
        }
        var run = await starter.StartAsync(model, "raw/" + file.Name, "file", cancel, TriggeredRunId.For(model, file.Modified, $"{file.Name}|{file.ETag}"));
        LogStarted(file.Name, run.RunId);
        return run;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Raw file {File} started run {RunId}")]
    private partial void LogStarted(string file, string runId);

    [LoggerMessage(Level = LogLevel.Information, Message = "Raw file {File} started no run: {Reason}")]
    private partial void LogNotStarted(string file, string reason);
}
