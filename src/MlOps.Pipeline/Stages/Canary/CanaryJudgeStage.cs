using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Canary;

/// <summary>What a canary does next.</summary>
public enum CanaryMove
{
    /// <summary>The next step, or production after the last.</summary>
    GoOn,
    /// <summary>The same share for another while: nothing is shown yet.</summary>
    Hold,
    /// <summary>Into production now: a person says so.</summary>
    Promote,
    /// <summary>Production answers everything again.</summary>
    RollBack,
}

/// <param name="Order">Which version.</param>
/// <param name="Percent">Its share.</param>
/// <param name="IsLast">True: it is not waited any longer for what is not shown yet.</param>
public sealed record CanaryJudgeInput(CanaryOrder Order, int Percent, bool IsLast);

/// <param name="Move">What is next.</param>
/// <param name="Reason">Why.</param>
/// <param name="Report">The stage's account.</param>
public sealed record CanaryJudgeOutput(CanaryMove Move, string Reason, StageReport Report) : IStageOutput;

/// <summary>Decides at the end of a step, by what was answered and what came true, whether a version gets a larger share.</summary>
public sealed class CanaryJudgeStage(ModelRegistry registry, ITrafficEvidence evidence, RunStore runs)
    : IStage<CanaryJudgeInput, CanaryJudgeOutput>
{
    private const string Metrics = "canary_";

    public static string Name => "canary-judge";

    /// <summary>Whether it is a metric of what a canary's requests came to, or an end of its interval.</summary>
    internal static bool IsMetric(string metric) =>
        Array.Exists(["", IntervalMetrics.Low, IntervalMetrics.High], interval => metric.StartsWith(interval + Metrics, StringComparison.Ordinal));

    public async Task<CanaryJudgeOutput> RunAsync(StageContext context, CanaryJudgeInput input, CancellationToken cancel)
    {
        // What a person said while nothing waited for it.
        if ((await runs.FindAsync(context.RunId, cancel))?.CanaryDecision is { } decision)
        {
            return new CanaryJudgeOutput(decision.Approved ? CanaryMove.Promote : CanaryMove.RollBack, decision.ToString(), new StageReport());
        }
        var (version, production) = (input.Order.Version, input.Order.Production);
        var model = await registry.FindAsync(context.Model, cancel);
        if (ModelTraffic.WhyNotOf(model, context.RunId, production) is { } lost)
        {
            return new CanaryJudgeOutput(CanaryMove.RollBack, lost, new StageReport());
        }
        var rules = (await context.GetDefinitionAsync(cancel)).Traffic;
        var found = (await evidence.OfAsync(context.Model, model!.Traffic!, cancel))[version];
        await context.LogMetricsAsync(Logged(found, input.Percent), cancel);
        if (found.Predictions == 0)
        {
            context.Warn(WarningCodes.NoRequests, $"No request reached version {version} at {input.Percent} %, so this step shows nothing about it.");
        }
        var verdict = TrafficVerdict.Of(found, version, production, rules);
        context.Log($"version {version} at {input.Percent} %: {found.Predictions:N0} predictions; {ReasonOf(verdict, found, rules)}");
        return new CanaryJudgeOutput(MoveOf(verdict, found, rules, input.IsLast), ReasonOf(verdict, found, rules), new StageReport(found.Predictions));
    }

    private static CanaryMove MoveOf(TrafficVerdict verdict, ChallengerEvidence found, TrafficRules rules, bool isLast)
    {
        if (verdict.Finding == TrafficFinding.Worse)
        {
            return CanaryMove.RollBack;
        }
        return IsShown(verdict, found, rules) ? CanaryMove.GoOn : isLast ? CanaryMove.RollBack : CanaryMove.Hold;
    }

    private static bool IsShown(TrafficVerdict verdict, ChallengerEvidence found, TrafficRules rules) =>
        found.Feedback >= rules.MinFeedback && (rules.Need == CanaryNeed.NotWorse || verdict.Finding == TrafficFinding.Better);

    private static string ReasonOf(TrafficVerdict verdict, ChallengerEvidence found, TrafficRules rules)
    {
        if (verdict.Finding == TrafficFinding.Worse || IsShown(verdict, found, rules))
        {
            return verdict.Text;
        }
        return found.Feedback < rules.MinFeedback
            ? string.Create(CultureInfo.InvariantCulture, $"{verdict.Text}; {rules.MinFeedback:N0} rows with feedback of each version are asked for")
            : $"{verdict.Text}; it must be better";
    }

    private static Dictionary<string, double> Logged(ChallengerEvidence found, int percent)
    {
        var prefix = string.Create(CultureInfo.InvariantCulture, $"{Metrics}{percent}_");
        var logged = new Dictionary<string, double>
        {
            [prefix + "predictions"] = found.Predictions,
            [prefix + "failed"] = found.Failed,
            [prefix + "feedback"] = found.Feedback,
        };
        if (found is { Difference: { } difference, Interval: { } interval })
        {
            var name = $"{prefix}{found.Loss}_difference";
            (logged[name], logged[IntervalMetrics.Low + name], logged[IntervalMetrics.High + name]) = (difference, interval.Low, interval.High);
        }
        return logged;
    }
}
