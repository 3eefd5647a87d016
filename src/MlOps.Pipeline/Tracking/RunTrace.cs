using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Tracking;

/// <summary>
/// A run is one trace: its start is a span within the trace of whatever started it, its stages are children of that span, on whichever machine and however
/// often they run.
/// </summary>
public static class RunTrace
{
    /// <summary>The start of a run; null where nobody listens. Its id is what <see cref="Run.TraceParent"/> keeps.</summary>
    public static Activity? Start(Run run)
    {
        if (Telemetry.Source.StartActivity("start run", ActivityKind.Producer) is not { } span)
        {
            return null;
        }
        return span
            .SetTag(Telemetry.RunId, run.RunId)
            .SetTag(Telemetry.Model, run.Model)
            .SetTag(Telemetry.RunTrigger, run.Trigger)
            .SetTag(Telemetry.RunGoal, NameOf(run.Goal));
    }

    /// <summary>A call of a stage; null where nobody listens. What the engine itself is at then (an activity of Durable Functions) is linked.</summary>
    internal static Activity? StartStage(Run? run, string runId, string stage, string key)
    {
        var caller = Activity.Current?.Context;
        var parent = ParentOf(runId, run?.TraceParent);
        IEnumerable<ActivityLink>? links = caller is { } context && context.SpanId != parent.SpanId ? [new ActivityLink(context)] : null;
        if (Telemetry.Source.StartActivity(ActivityKind.Consumer, parent, tags: null, links, startTime: default, "stage " + stage) is not { } span)
        {
            return null;
        }
        span.SetTag(Telemetry.RunId, runId).SetTag(Telemetry.Model, Tracking.RunId.ModelOf(runId)).SetTag(Telemetry.Stage, stage);
        return key.Length == 0 ? span : span.SetTag(Telemetry.StageKey, key);
    }

    /// <summary>
    /// The span under which a run's stages are. A run that was started where nobody listened has none; its stages have an id in common all the same, which is
    /// made of the run's.
    /// </summary>
    internal static ActivityContext ParentOf(string runId, string? traceParent)
    {
        if (ActivityContext.TryParse(traceParent, traceState: null, isRemote: true, out var kept))
        {
            return kept;
        }
        ReadOnlySpan<byte> hash = SHA256.HashData(Encoding.UTF8.GetBytes(runId));
        return new ActivityContext(
            ActivityTraceId.CreateFromBytes(hash[..16]), ActivitySpanId.CreateFromBytes(hash[16..24]), ActivityTraceFlags.Recorded, isRemote: true);
    }

    private static string NameOf(RunGoal goal) => goal switch
    {
        RunGoal.Dataset => "dataset",
        RunGoal.Canary => "canary",
        RunGoal.Score => "score",
        _ => "model",
    };
}
