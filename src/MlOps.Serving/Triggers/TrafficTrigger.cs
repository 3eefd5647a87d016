using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Canary;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Feedback;

namespace MlOps.Serving.Triggers;

/// <summary>
/// Looks at every model whose requests are shared out. A version of a canary that is worse is taken out at once, whatever is left of the step's time; of a
/// split that a person has made, what the definition asks for (<c>traffic.promote</c>, <c>traffic.rollBack</c>) is done. A split whose run has ended without
/// ending it, because it was cancelled or its host died, is ended.
/// </summary>
public sealed partial class TrafficTrigger(
    ModelTraffic traffic, DefinitionCatalog catalog, RunStore runs, RunDecisions decisions, ITrafficEvidence evidence, TrafficRuling ruling, TrafficLooks looks,
    ILogger<TrafficTrigger> logger)
    : ITrigger
{
    public TimeSpan Interval { get; } = TimeSpan.FromSeconds(5);

    public async Task LookAsync(CancellationToken cancel)
    {
        var models = await traffic.ListAsync(cancel);
        looks.Forget(models.Select(model => model.Traffic!.Id));
        if (models.Count == 0)
        {
            return;
        }
        var definitions = await catalog.ReadAsync(cancel);
        foreach (var model in models)
        {
            await TryLookAsync(model.Model, model.Traffic!, definitions.GetValueOrDefault(model.Model)?.Definition, cancel);
        }
    }

    /// <summary>One model's trouble is not the others'.</summary>
    private async Task TryLookAsync(string model, TrafficSplit split, PipelineDefinition? definition, CancellationToken cancel)
    {
        try
        {
            var run = split.RunId is null ? null : await runs.FindAsync(split.RunId, cancel);
            if (split.RunId is not null && run is not { HasEnded: false })
            {
                await traffic.EndAsync(model, split.Id, cancel);
                LogEnded(model, split.RunId);
                return;
            }
            var rules = definition?.Traffic ?? new TrafficRules();
            if ((run is null && rules is { Promote: false, RollBack: false }) || !looks.IsDue(split))
            {
                return;
            }
            await JudgeAsync(model, split, run, rules, cancel);
            looks.Note(split);
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            LogFailed(model, fault);
        }
    }

    private async Task JudgeAsync(string model, TrafficSplit split, Run? run, TrafficRules rules, CancellationToken cancel)
    {
        foreach (var (version, found) in await evidence.OfAsync(model, split, cancel))
        {
            var verdict = TrafficVerdict.Of(found, version, split.Production, rules);
            switch (verdict.Finding)
            {
                case TrafficFinding.Worse when run is not null:
                    LogDecided(model, version, verdict.Text);
                    await decisions.RollBackAsync(run, verdict.Text, cancel);
                    return;
                case TrafficFinding.Worse when rules.RollBack:
                    LogDecided(model, version, verdict.Text);
                    await ruling.TakeOutAsync(model, split, version, verdict.Text, cancel);
                    // What is left is another split.
                    return;
                case TrafficFinding.Better when run is null && rules.Promote:
                    LogDecided(model, version, verdict.Text);
                    await ruling.PromoteAsync(model, split, version, verdict.Text, cancel);
                    return;
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Model {Model}, version {Version}: {Verdict}")]
    private partial void LogDecided(string model, int version, string verdict);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Model {Model}: run {RunId} has ended and left its traffic split; production answers everything again")]
    private partial void LogEnded(string model, string runId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "How the versions of model {Model} do could not be looked at now; that is made up for in a moment")]
    private partial void LogFailed(string model, Exception fault);
}
