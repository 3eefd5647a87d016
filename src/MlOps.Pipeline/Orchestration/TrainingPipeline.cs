using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Alerting;
using MlOps.Pipeline.Stages.Clean;
using MlOps.Pipeline.Stages.Drift;
using MlOps.Pipeline.Stages.Explain;
using MlOps.Pipeline.Stages.Features;
using MlOps.Pipeline.Stages.Finish;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Stages.ModelCard;
using MlOps.Pipeline.Stages.Promote;
using MlOps.Pipeline.Stages.Quarantine;
using MlOps.Pipeline.Stages.Split;
using MlOps.Pipeline.Stages.Train;
using MlOps.Pipeline.Stages.Validate;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>
/// The one place that knows the order of stages, the branches and the retries. Deterministic: an engine may run it again from the top,
/// with finished stages answered from the record.
/// </summary>
public static class TrainingPipeline
{
    /// <summary>The event that a person's decision raises; its payload is an <see cref="ApprovalDecision"/>.</summary>
    public const string ApprovalEvent = "approval";

    /// <summary>Runs the pipeline to its end. A failed stage ends the run as failed; it does not throw.</summary>
    public static async Task<RunResult> RunAsync(IOrchestration orchestration, RunInput input)
    {
        try
        {
            var raw = await IngestAsync(orchestration, input);
            if (raw.Goal == RunGoal.Dataset)
            {
                return await FinishAsync(orchestration, new FinishInput(input.RunId, Promoted: false, [], Error: null, raw.Raw.Id));
            }
            var promotion = await RunStagesAsync(orchestration, input, raw);
            await AlertAsync(orchestration, input.RunId, promotion.Promoted ? AlertKind.PromotionSucceeded : AlertKind.PromotionBlocked, promotion.BlockedBy);
            return await FinishAsync(orchestration, new FinishInput(input.RunId, promotion.Promoted, promotion.BlockedBy.Texts(), Error: null));
        }
        catch (StageFailedException failure)
        {
            var error = StageRunner.Shorten(failure.Message);
            await AlertAsync(orchestration, input.RunId, AlertKind.RunFailed, [new Reason(error)]);
            return await FinishAsync(orchestration, new FinishInput(input.RunId, Promoted: false, [], error));
        }
    }

    /// <summary>The stage calls of a run that reaches its goal, in order: what is still to come, for displays.</summary>
    public static IReadOnlyList<(string Stage, string Key)> Outline(RunGoal goal, IReadOnlyList<string> candidates, bool approval) => goal switch
    {
        RunGoal.Dataset => [(IngestStage.Name, ""), (FinishStage.Name, "")],
        _ =>
        [
            (IngestStage.Name, ""),
            (CleanStage.Name, ""),
            (FeaturesStage.Name, ""),
            (SplitStage.Name, ""),
            .. candidates.Select(key => (TrainStage.Name, key)),
            (ValidateStage.Name, ""),
            (DriftStage.Name, ""),
            .. approval ? [(AwaitApprovalStage.Name, "")] : Array.Empty<(string, string)>(),
            (PromoteStage.Name, ""),
            (ExplainStage.Name, ""),
            (ModelCardStage.Name, ""),
            (FinishStage.Name, ""),
        ],
    };

    private static async Task<PromoteOutput> RunStagesAsync(IOrchestration orchestration, RunInput input, IngestOutput raw)
    {
        var byParts = orchestration.ScalesOut && raw.Parts > 1;
        if (byParts)
        {
            await RunPartsAsync<CleanPartStage, CleanPartInput, CleanPartOutput>(orchestration, raw.Parts, part => new CleanPartInput(input.RunId, input.DefinitionId, raw.Raw, part));
        }
        var clean = await orchestration.RunStageAsync<CleanStage, CleanInput, CleanOutput>(
            "", new CleanInput(input.RunId, input.DefinitionId, raw.Raw, byParts), StageRetry.Default);
        var features = await orchestration.RunStageAsync<FeaturesStage, FeaturesInput, FeaturesOutput>(
            "", new FeaturesInput(input.RunId, input.DefinitionId, clean.Clean), StageRetry.Default);
        var split = await orchestration.RunStageAsync<SplitStage, SplitInput, SplitOutput>(
            "", new SplitInput(input.RunId, input.DefinitionId, features.Features), StageRetry.Default);

        var candidates = await Task.WhenAll(input.Candidates.Select((key, index) => orchestration.RunStageAsync<TrainStage, TrainInput, TrainOutput>(
            key, new TrainInput(input.RunId, input.DefinitionId, index, split.Train, split.Validation), StageRetry.Default)));

        var validation = await orchestration.RunStageAsync<ValidateStage, ValidateInput, ValidateOutput>(
            "", new ValidateInput(input.RunId, input.DefinitionId, [.. candidates.Select(c => c.Candidate)], split.Validation), StageRetry.Default);

        if (validation.FailedGates.Count > 0)
        {
            await AlertAsync(orchestration, input.RunId, AlertKind.ValidationFailed, validation.FailedGates);
        }
        if (byParts)
        {
            await RunPartsAsync<DriftPartStage, DriftPartInput, DriftPartOutput>(orchestration, raw.Parts, part => new DriftPartInput(input.RunId, split.Train, split.Validation, part));
        }
        var drift = await orchestration.RunStageAsync<DriftStage, DriftInput, DriftOutput>(
            "", new DriftInput(input.RunId, input.Model, input.DefinitionId, split.Train, split.Validation, byParts ? raw.Parts : 0), StageRetry.Default);

        if (drift.Drifted)
        {
            await AlertAsync(orchestration, input.RunId, AlertKind.DriftDetected, [.. drift.Summary.Select(text => new Reason(text, GateKind.Drift))]);
        }
        var failedGates = Reasons.Cap([.. validation.FailedGates, .. drift.FailedGates]);
        var approval = failedGates.Count == 0 && input.ApprovalTimeout is { } timeout
            ? await AskForApprovalAsync(orchestration, input.RunId, timeout)
            : null;
        failedGates = approval is { Approved: false } ? [new Reason($"approval: {approval}", GateKind.Approval)] : failedGates;

        var lineage = new ModelLineage(raw.Raw.Id, clean.Clean.Id, features.Features.Id, split.Train.Id, split.Validation.Id);
        var promotion = await orchestration.RunStageAsync<PromoteStage, PromoteInput, PromoteOutput>(
            "", new PromoteInput(input.RunId, input.Model, input.DefinitionId, validation.Winner, validation.Metrics, failedGates, split.Validation, lineage, approval),
            StageRetry.Default);
        await TryStageAsync<ExplainStage, ExplainInput, ExplainOutput>(orchestration, "", new ExplainInput(input.RunId, validation.Winner, split.Train, split.Validation));
        await TryStageAsync<ModelCardStage, ModelCardInput, ModelCardOutput>(
            orchestration, "", new ModelCardInput(input.RunId, input.Model, promotion.Version, promotion.Previous, promotion.Promoted, promotion.BlockedBy, [.. candidates.Select(c => c.Candidate)]));
        return promotion;
    }

    /// <summary>A file that cannot be read is put out of the way; what the run failed of is told whether or not that works.</summary>
    private static async Task<IngestOutput> IngestAsync(IOrchestration orchestration, RunInput input)
    {
        try
        {
            return await orchestration.RunStageAsync<IngestStage, IngestInput, IngestOutput>(
                "", new IngestInput(input.RunId, input.DefinitionId, input.Source), StageRetry.Default);
        }
        catch (StageFailedException unreadable) when (unreadable.IsWrongInput)
        {
            await TryStageAsync<QuarantineStage, QuarantineInput, QuarantineOutput>(orchestration, "", new QuarantineInput(input.RunId, StageRunner.Shorten(unreadable.Message)));
            throw;
        }
    }

    /// <summary>Runs a stage once for every part of a table, side by side.</summary>
    private static Task RunPartsAsync<TStage, TInput, TOutput>(IOrchestration orchestration, int parts, Func<int, TInput> input)
        where TStage : IStage<TInput, TOutput>
        where TOutput : IStageOutput =>
        Task.WhenAll(Enumerable.Range(0, parts).Select(part => orchestration.RunStageAsync<TStage, TInput, TOutput>(part.ToString(CultureInfo.InvariantCulture), input(part), StageRetry.Default)));

    private static Task AlertAsync(IOrchestration orchestration, string runId, AlertKind kind, IReadOnlyList<Reason> reasons) =>
        TryStageAsync<AlertStage, AlertInput, AlertOutput>(orchestration, kind.ToString(), new AlertInput(runId, kind, Reasons.Cap(reasons)));

    /// <summary>The decision about the version stands whatever becomes of what is told about it: a failure is kept on the stage, the run goes on.</summary>
    private static async Task TryStageAsync<TStage, TInput, TOutput>(IOrchestration orchestration, string key, TInput input)
        where TStage : IStage<TInput, TOutput>
        where TOutput : IStageOutput
    {
        try
        {
            await orchestration.RunStageAsync<TStage, TInput, TOutput>(key, input, StageRetry.Default);
        }
        catch (StageFailedException)
        {
            // The stage's row has the error.
        }
    }

    private static async Task<ApprovalDecision> AskForApprovalAsync(IOrchestration orchestration, string runId, TimeSpan timeout)
    {
        await orchestration.RunStageAsync<AwaitApprovalStage, AwaitApprovalInput, AwaitApprovalOutput>("", new AwaitApprovalInput(runId), StageRetry.Default);
        return await orchestration.WaitForEventAsync(ApprovalEvent, timeout) is { } decision
            ? ApprovalDecision.Read(decision)
            : new ApprovalDecision(Approved: false, Reason: $"nobody approved within {timeout}");
    }

    private static async Task<RunResult> FinishAsync(IOrchestration orchestration, FinishInput input)
    {
        var finish = await orchestration.RunStageAsync<FinishStage, FinishInput, FinishOutput>("", input, StageRetry.Default);
        return new RunResult(finish.State, input.Error);
    }
}

/// <summary>How an orchestration ended.</summary>
public sealed record RunResult(RunState State, string? Error);
