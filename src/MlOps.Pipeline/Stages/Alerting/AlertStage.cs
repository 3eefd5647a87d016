using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Alerting;

public sealed record AlertInput(AlertKind Kind, IReadOnlyList<Reason> Reasons);

public sealed record AlertOutput(StageReport Report) : IStageOutput;

/// <summary>
/// Tells people what became of a run, at most once per run and kind: the alert's row is written first, and who finds it there does not send.
/// A host that dies between row and answer leaves an alert that may not have arrived; sending again would tell it twice to those who got it.
/// What goes wrong with a channel is kept on the alert and fails nothing.
/// </summary>
public sealed class AlertStage(AlertStore alerts, AlertSender sender, RunStore runs) : IStage<AlertInput, AlertOutput>
{
    private const int MostReasons = 20;
    private const int LongestReason = 1000;

    public static string Name => "alert";

    public async Task<AlertOutput> RunAsync(StageContext context, AlertInput input, CancellationToken cancel)
    {
        if (await alerts.TryUpdateAgainAsync(context.RunId, input.Kind, cancel) || await runs.FindDetailsAsync(context.RunId, cancel) is not { } details)
        {
            return new AlertOutput(new StageReport());
        }
        IReadOnlyList<string> reasons =
        [
            .. input.Reasons.Texts().Take(MostReasons).Select(text => text.Length <= LongestReason ? text : string.Concat(text.AsSpan(0, LongestReason), "…"))
        ];
        var alert = sender.New(input.Kind, TitleOf(input, details.Run), reasons);
        if (!await alerts.TryClaimAsync(context.RunId, alert, cancel) || alert.State != AlertState.Sending)
        {
            return new AlertOutput(new StageReport());
        }
        var told = await sender.SendAsync(alert, AlertSubject.Of(details), cancel);
        await alerts.UpdateAsync(context.RunId, told, cancel);
        context.Log($"{told.Title}: {(told.State == AlertState.NotSent ? "not sent, as no channel is on" : told.State.ToString().ToLowerInvariant())}");
        context.Warn(
            WarningCodes.AlertFailed,
            told.Deliveries.Where(delivery => delivery.State == AlertState.Failed).Select(delivery => $"{delivery.Channel}: {delivery.Problem}"));
        return new AlertOutput(new StageReport());
    }

    private static string TitleOf(AlertInput input, Run run) => input.Kind switch
    {
        AlertKind.TableUnexpected => $"{run.Model}: the table is not as expected",
        AlertKind.ValidationFailed => $"{run.Model}: validation failed",
        AlertKind.DriftDetected => $"{run.Model}: data drift detected",
        AlertKind.PromotionSucceeded => $"{run.Model}: version {run.Version} is in production",
        AlertKind.PromotionBlocked => $"{run.Model}: version {run.Version} was not promoted{CauseOf(input.Reasons)}",
        _ => $"{run.Model}: run failed",
    };

    /// <summary>The gates that do not hold, in the order in which they are met.</summary>
    private static string CauseOf(IReadOnlyList<Reason> reasons)
    {
        var causes = reasons.Select(reason => reason.Gate).OfType<GateKind>().Order().Select(NameOf).Distinct().ToList();
        return causes.Count == 0 ? "" : $": {string.Join(" and ", causes)}";
    }

    private static string NameOf(GateKind gate) => gate switch
    {
        GateKind.Expectation => "an unexpected table",
        GateKind.Drift => "data drift",
        GateKind.Approval => "no approval",
        GateKind.Check => "failed checks",
        GateKind.Canary => "its canary",
        _ => "poor metrics",
    };
}
