using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages;
using MlOps.Pipeline.Stages.Alerting;
using MlOps.Pipeline.Stages.Canary;
using MlOps.Pipeline.Stages.Clean;
using MlOps.Pipeline.Stages.Drift;
using MlOps.Pipeline.Stages.Expect;
using MlOps.Pipeline.Stages.Explain;
using MlOps.Pipeline.Stages.Features;
using MlOps.Pipeline.Stages.Finish;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Stages.ModelCard;
using MlOps.Pipeline.Stages.Promote;
using MlOps.Pipeline.Stages.Quarantine;
using MlOps.Pipeline.Stages.Score;
using MlOps.Pipeline.Stages.Split;
using MlOps.Pipeline.Stages.Train;
using MlOps.Pipeline.Stages.Validate;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>
/// The one place that knows the order of stages and the branches. Deterministic: an engine may run it again from the top, with finished
/// stages answered from the record.
/// </summary>
public sealed class TrainingPipeline
{
    /// <summary>The event that a person's decision raises; its payload is an <see cref="ApprovalDecision"/>.</summary>
    public const string ApprovalEvent = "approval";

    private readonly IOrchestration run;

    private TrainingPipeline(IOrchestration run) => this.run = run;

    /// <summary>Runs the pipeline to its end. A failed stage ends the run as failed; it does not throw.</summary>
    public static Task<RunResult> RunAsync(IOrchestration orchestration) => new TrainingPipeline(orchestration).RunAsync();

    /// <summary>The stage calls of a run that reaches its goal, in order: what is still to come, for displays.</summary>
    public static IReadOnlyList<(string Stage, string Key)> Outline(
        RunGoal goal, IReadOnlyList<string> candidates, bool approval, bool expects = false, CanaryPlan? canary = null) => goal switch
        {
            RunGoal.Dataset => [(PipelineStages.Ingest.Name, ""), (PipelineStages.Finish.Name, "")],
            RunGoal.Score =>
            [
                (PipelineStages.Ingest.Name, ""), (PipelineStages.ScorePart.Name, PartKey(0)), (PipelineStages.Score.Name, ""),
                (PipelineStages.Finish.Name, ""),
            ],
            RunGoal.Canary => [.. CanaryOutline(canary), (PipelineStages.Finish.Name, "")],
            _ =>
            [
                (PipelineStages.Ingest.Name, ""),
                .. expects ? [(PipelineStages.Expect.Name, "")] : Array.Empty<(string, string)>(),
                (PipelineStages.Clean.Name, ""),
                (PipelineStages.Features.Name, ""),
                (PipelineStages.Split.Name, ""),
                .. candidates.Select(key => (PipelineStages.Train.Name, key)),
                (PipelineStages.Validate.Name, ""),
                (PipelineStages.Drift.Name, ""),
                .. approval ? [(PipelineStages.AwaitApproval.Name, "")] : Array.Empty<(string, string)>(),
                (PipelineStages.Promote.Name, ""),
                (PipelineStages.Explain.Name, ""),
                .. CanaryOutline(canary),
                (PipelineStages.ModelCard.Name, ""),
                (PipelineStages.Finish.Name, ""),
            ],
        };

    private static IEnumerable<(string Stage, string Key)> CanaryOutline(CanaryPlan? canary) => canary is null
        ? []
        :
        [
            .. canary.Steps.SelectMany(step => new[] { (PipelineStages.CanaryShift.Name, KeyOf(step)), (PipelineStages.CanaryJudge.Name, KeyOf(step)) }),
            (PipelineStages.CanaryEnd.Name, ""),
        ];

    /// <summary>Where a run leaves the way of <see cref="Outline"/>: what a reader of this class's branches would draw.</summary>
    public static IReadOnlyList<Branch> Branches { get; } =
    [
        new(PipelineStages.Ingest, "the file cannot be read", PipelineStages.Quarantine),
        new(PipelineStages.Ingest, "the goal is a dataset", PipelineStages.Finish),
        new(PipelineStages.Ingest, "the goal is a scored table", PipelineStages.ScorePart),
        new(PipelineStages.ScorePart, "every part is scored", PipelineStages.Score),
        new(PipelineStages.Score, "the goal is a scored table", PipelineStages.Finish),
        new(PipelineStages.Ingest, "the definition expects nothing of the table", PipelineStages.Clean),
        new(PipelineStages.Expect, "the table is not as expected", PipelineStages.Alert),
        new(PipelineStages.Ingest, "several parts, on an engine that scales out", PipelineStages.CleanPart),
        new(PipelineStages.CleanPart, "every part is clean", PipelineStages.Clean),
        new(PipelineStages.Validate, "a metric gate does not hold", PipelineStages.Alert),
        new(PipelineStages.Validate, "several parts, on an engine that scales out", PipelineStages.DriftPart),
        new(PipelineStages.DriftPart, "every part is profiled", PipelineStages.Drift),
        new(PipelineStages.Drift, "columns have drifted", PipelineStages.Alert),
        new(PipelineStages.Drift, "no approval asked for, or a gate does not hold", PipelineStages.Promote),
        new(PipelineStages.Explain, "no canary asked for, or nothing in production", PipelineStages.ModelCard),
        new(PipelineStages.CanaryJudge, "nothing is shown yet", PipelineStages.CanaryShift),
        new(PipelineStages.CanaryShift, "a person, or a rule, decides", PipelineStages.CanaryEnd),
        new(PipelineStages.ModelCard, "promoted, or blocked with the reasons", PipelineStages.Alert),
        new(PipelineStages.Quarantine, "the run has failed, as after any stage that fails for good", PipelineStages.Alert),
        new(PipelineStages.Alert, "at the end", PipelineStages.Finish),
    ];

    private async Task<RunResult> RunAsync()
    {
        try
        {
            if (run.Run.CanaryOf is { } order)
            {
                var end = await CanaryAsync(order);
                await AlertAsync(end.Promoted ? AlertKind.PromotionSucceeded : AlertKind.PromotionBlocked, end.BlockedBy);
                return await FinishAsync(new FinishInput(end.Promoted, end.BlockedBy.Texts(), Error: null));
            }
            if (run.Run.ScoreWith is { } scoring)
            {
                return await FinishAsync(new FinishInput(Promoted: false, [], Error: null, (await ScoreAsync(scoring)).Id));
            }
            var raw = await IngestAsync();
            if (raw.Goal == RunGoal.Dataset)
            {
                return await FinishAsync(new FinishInput(Promoted: false, [], Error: null, raw.Raw.Id));
            }
            var promotion = await TrainAndPromoteAsync(raw);
            await AlertAsync(promotion.Promoted ? AlertKind.PromotionSucceeded : AlertKind.PromotionBlocked, promotion.BlockedBy);
            return await FinishAsync(new FinishInput(promotion.Promoted, promotion.BlockedBy.Texts(), Error: null));
        }
        catch (StageFailedException failure)
        {
            var error = StageRunner.Shorten(failure.Message);
            await AlertAsync(AlertKind.RunFailed, [new Reason(error)]);
            return await FinishAsync(new FinishInput(Promoted: false, [], error));
        }
    }

    private async Task<PromoteOutput> TrainAndPromoteAsync(IngestOutput raw)
    {
        var expected = run.Run.Expects ? await run.RunAsync(PipelineStages.Expect, new ExpectInput(raw.Raw)) : null;
        if (expected is { Unmet.Count: > 0 })
        {
            await AlertAsync(AlertKind.TableUnexpected, expected.Unmet);
        }
        var byParts = run.ScalesOut && raw.Parts > 1;
        if (byParts)
        {
            await ForEachPartAsync(PipelineStages.CleanPart, raw.Parts, part => new CleanPartInput(raw.Raw, part, raw.SplitKey));
        }
        var clean = await run.RunAsync(PipelineStages.Clean, new CleanInput(raw.Raw, byParts, raw.SplitKey));
        var features = await run.RunAsync(PipelineStages.Features, new FeaturesInput(clean.Clean));
        var split = await run.RunAsync(PipelineStages.Split, new SplitInput(features.Features));

        var trained = await Task.WhenAll(run.Run.Candidates.Select((key, index) => TrainAsync(new TrainInput(index, split.Train, split.Validation), key)));
        IReadOnlyList<Training.TrainedCandidate> candidates = [.. trained.Select(outcome => outcome.Candidate).OfType<Training.TrainedCandidate>()];
        IReadOnlyList<string> failures = [.. trained.Select(outcome => outcome.Failure).OfType<string>()];

        var validation = await run.RunAsync(PipelineStages.Validate, new ValidateInput(candidates, split.Validation, failures, split.Test, split.Train));
        if (validation.BlockedBy.Count > 0)
        {
            await AlertAsync(AlertKind.ValidationFailed, validation.BlockedBy);
        }
        if (byParts)
        {
            await ForEachPartAsync(PipelineStages.DriftPart, raw.Parts, part => new DriftPartInput(split.Train, split.Validation, part));
        }
        var drift = await run.RunAsync(PipelineStages.Drift, new DriftInput(split.Train, split.Validation, byParts ? raw.Parts : 0));
        if (drift.Drifted.Count > 0)
        {
            await AlertAsync(AlertKind.DriftDetected, drift.Drifted);
        }
        var blockedBy = Reasons.Cap([.. expected?.BlockedBy ?? [], .. validation.BlockedBy, .. drift.BlockedBy]);
        var approval = blockedBy.Count == 0 && run.Run.ApprovalTimeout is { } timeout ? await AskForApprovalAsync(timeout) : null;
        blockedBy = approval is { Approved: false } ? [new Reason($"approval: {approval}", GateKind.Approval)] : blockedBy;

        var lineage = new ModelLineage(raw.Raw.Id, clean.Clean.Id, features.Features.Id, split.Train.Id, split.Validation.Id, split.Test?.Id);
        var promotion = await run.RunAsync(
            PipelineStages.Promote, new PromoteInput(validation.Winner, validation.Metrics, blockedBy, split.Validation, lineage, approval));
        await TryAsync(PipelineStages.Explain, new ExplainInput(validation.Winner, split.Train, split.Validation));
        if (promotion is { Canary: true, Previous: { } production })
        {
            var end = await CanaryAsync(new CanaryOrder(promotion.Version, production));
            promotion = promotion with { Promoted = end.Promoted, BlockedBy = end.BlockedBy };
        }
        await TryAsync(
            PipelineStages.ModelCard, new ModelCardInput(promotion.Version, promotion.Previous, promotion.Promoted, promotion.BlockedBy, candidates));
        return promotion;
    }

    /// <summary>One candidate that cannot be trained does not keep the others from it; the run fails when none is left.</summary>
    private async Task<(Training.TrainedCandidate? Candidate, string? Failure)> TrainAsync(TrainInput input, string key)
    {
        try
        {
            return ((await run.RunAsync(PipelineStages.Train, input, key)).Candidate, null);
        }
        catch (StageFailedException failure) when (run.Run.Candidates.Count > 1)
        {
            return (null, StageRunner.Shorten($"{key}: {failure.Message}"));
        }
    }

    /// <summary>A file that cannot be read is put out of the way; what the run failed of is told whether or not that works.</summary>
    private async Task<IngestOutput> IngestAsync()
    {
        try
        {
            return await run.RunAsync(PipelineStages.Ingest, new IngestInput(run.Run.Source));
        }
        catch (StageFailedException unreadable) when (unreadable.IsWrongInput)
        {
            await TryAsync(PipelineStages.Quarantine, new QuarantineInput(StageRunner.Shorten(unreadable.Message)));
            throw;
        }
    }

    /// <summary>
    /// A table scored part by part: side by side on an engine that scales out, one after the other on one machine, where a part that is scored is done whatever
    /// becomes of the next.
    /// </summary>
    private async Task<DatasetRef> ScoreAsync(ScoreOrder order)
    {
        var raw = await run.RunAsync(PipelineStages.Ingest, new IngestInput(run.Run.Source));
        if (run.ScalesOut)
        {
            await ForEachPartAsync(PipelineStages.ScorePart, raw.Parts, InputOf);
        }
        for (var part = 0; !run.ScalesOut && part < raw.Parts; part++)
        {
            await run.RunAsync(PipelineStages.ScorePart, InputOf(part), PartKey(part));
        }
        return (await run.RunAsync(PipelineStages.Score, new ScoreInput(raw.Raw, order.Version))).Scored;

        ScorePartInput InputOf(int part) => new(raw.Raw, part, order.Version);
    }

    /// <summary>Runs a stage once for every part of a table, side by side.</summary>
    private Task ForEachPartAsync<TInput, TOutput>(Stage<TInput, TOutput> stage, int parts, Func<int, TInput> input)
        where TOutput : IStageOutput => Task.WhenAll(Enumerable.Range(0, parts).Select(part => run.RunAsync(stage, input(part), PartKey(part))));

    /// <summary>The key of a stage's call for one part of a table.</summary>
    private static string PartKey(int part) => part.ToString(CultureInfo.InvariantCulture);

    private Task AlertAsync(AlertKind kind, IReadOnlyList<Reason> reasons) =>
        TryAsync(PipelineStages.Alert, new AlertInput(kind, Reasons.Cap(reasons)), kind.ToString());

    /// <summary>The decision about the version stands whatever becomes of what is told about it: a failure is kept on the stage, the run goes on.</summary>
    private async Task TryAsync<TInput, TOutput>(Stage<TInput, TOutput> stage, TInput input, string key = "")
        where TOutput : IStageOutput
    {
        try
        {
            await run.RunAsync(stage, input, key);
        }
        catch (StageFailedException)
        {
            // The stage's row has the error.
        }
    }

    private async Task<ApprovalDecision> AskForApprovalAsync(TimeSpan timeout)
    {
        await run.RunAsync(PipelineStages.AwaitApproval, new AwaitApprovalInput());
        return await run.WaitForEventAsync(ApprovalEvent, timeout) is { } decision
            ? ApprovalDecision.Read(decision)
            : new ApprovalDecision(Approved: false, Reason: $"nobody approved within {timeout}");
    }

    /// <summary>
    /// A version answers more and more of the requests until it is in production, or is taken out. Each step lasts as long as the plan says and is judged then;
    /// a decision that comes before ends it at once.
    /// </summary>
    private async Task<CanaryEndOutput> CanaryAsync(CanaryOrder order)
    {
        var plan = run.Run.Canary ?? throw new InvalidOperationException("A canary has a plan.");
        try
        {
            var move = new CanaryMoved(CanaryMove.GoOn, "");
            foreach (var percent in plan.Steps)
            {
                move = await StepAsync(order, plan, percent);
                if (move.Move != CanaryMove.GoOn)
                {
                    break;
                }
            }
            return await run.RunAsync(PipelineStages.CanaryEnd, new CanaryEndInput(order, move.Move != CanaryMove.RollBack, move.Reason));
        }
        catch (StageFailedException failure)
        {
            // Whatever has failed: who sends requests is answered by production again.
            await TryAsync(PipelineStages.CanaryEnd, new CanaryEndInput(order, Promote: false, StageRunner.Shorten(failure.Message)), "failed");
            throw;
        }
    }

    private async Task<CanaryMoved> StepAsync(CanaryOrder order, CanaryPlan plan, int percent)
    {
        for (var look = 1; ; look++)
        {
            var key = KeyOf(percent, look);
            var shift = await run.RunAsync(PipelineStages.CanaryShift, new CanaryShiftInput(order, percent, percent == plan.Steps[0] && look == 1), key);
            if (shift.Stopped is { } stopped)
            {
                return new CanaryMoved(CanaryMove.RollBack, stopped);
            }
            if (await run.WaitForEventAsync(CanaryEventOf(key), plan.Until(look)) is { } payload)
            {
                var decision = ApprovalDecision.Read(payload);
                return new CanaryMoved(decision.Approved ? CanaryMove.Promote : CanaryMove.RollBack, decision.ToString());
            }
            var judged = await run.RunAsync(PipelineStages.CanaryJudge, new CanaryJudgeInput(order, percent, look >= plan.Looks), key);
            if (judged.Move != CanaryMove.Hold)
            {
                return new CanaryMoved(judged.Move, judged.Reason);
            }
        }
    }

    private sealed record CanaryMoved(CanaryMove Move, string Reason);

    /// <summary>The event that ends a step of a canary before its time; its payload is an <see cref="ApprovalDecision"/>.</summary>
    /// <param name="key">The key of the step's stages.</param>
    public static string CanaryEventOf(string key) => $"canary-{key}";

    /// <summary>The key of a step's stages: its percent, and from the second on the number of the look at it.</summary>
    private static string KeyOf(int percent, int look = 1) =>
        look == 1 ? percent.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{percent}-{look}");

    private async Task<RunResult> FinishAsync(FinishInput input)
    {
        var finish = await run.RunAsync(PipelineStages.Finish, input);
        return new RunResult(finish.State, input.Error);
    }
}

/// <summary>How an orchestration ended.</summary>
public sealed record RunResult(RunState State, string? Error);
