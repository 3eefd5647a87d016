using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions.Shapes;
using static MlOps.Pipeline.Definitions.Shapes.Shape;

namespace MlOps.Pipeline.Definitions;

/// <summary>The keys of what goes on by itself.</summary>
internal static class OperationKeys
{
    public static ObjectShape<TriggerRules> Triggers { get; } = Object(new TriggerRules())
        .Key("schedule", "Cron expression in UTC, seconds first, such as \"0 0 3 * * *\" (every day at 3:00).", Text(),
            rules => rules.Schedule, (rules, value) => rules with { Schedule = value })
        .Key("newFile", "A new file in raw/{model}/ is trained on; it is ingested in any case.", Flag(),
            rules => rules.NewFile, (rules, value) => rules with { NewFile = value })
        .Key("overlap", "What a run does while an earlier one of the model has not ended: wait, end as cancelled, or go on beside it.",
            Choice(DefinitionNames.Overlaps),
            rules => rules.Overlap, (rules, value) => rules with { Overlap = value })
        .Key("drift", "Live rows that have drifted start a run on the newest file in raw/{model}/, or on what data pins.", Flag(),
            rules => rules.Drift, (rules, value) => rules with { Drift = value }).Later()
        .Key("decay",
            "Performance of live rows that is a warning, measured or estimated, starts a run, on what drift would start one on; left out: it does not.", Flag(),
            rules => rules.Decay ? true : null, (rules, value) => rules with { Decay = value }).Later()
        .Key("rows", "Rows of raw dataset versions that have come since the last run that trains; so many start one. Left out: none do.",
            Whole(1, TriggerRules.MostRows), rules => rules.Rows, (rules, value) => rules with { Rows = value }).Later()
        .Key("coolDown", "Least time after a run that drift, decay or rows have started until they start another; left out: none.",
            Span(TriggerRules.LeastCoolDown, TriggerRules.MostCoolDown, "a time span from \"00:01:00\" (one minute) to \"365.00:00:00\" (a year)"),
            rules => rules.CoolDown, (rules, value) => rules with { CoolDown = value }).Later()
        .Key("perDay", "Most runs that drift, decay and rows start within 24 hours; left out: any number.", Whole(1, 1000),
            rules => rules.PerDay, (rules, value) => rules with { PerDay = value }).Later();

    public static ObjectShape<MonitorRules> Monitor { get; } = Object(new MonitorRules())
        .Key("log", "Keep the rows that are predicted, and the predictions.", Flag(),
            rules => rules.Log, (rules, value) => rules with { Log = value })
        .Key("drift", "Compare the kept rows with what the production version was trained on.", Flag(),
            rules => rules.Drift, (rules, value) => rules with { Drift = value })
        .Key("every", "Time between two checks, one minute to one day.",
            Span(MonitorRules.LeastEvery, MonitorRules.MostEvery, "a time span from \"00:01:00\" (one minute) to \"1.00:00:00\" (one day)"),
            rules => rules.Every, (rules, value) => rules with { Every = value })
        .Key("minRows", "Fewest rows that say something: with fewer, a check waits for more.", Whole(1, MonitorRules.MostRows),
            rules => rules.MinRows, (rules, value) => rules with { MinRows = value })
        .Key("rows", "Rows after which a check comes, in place of the time that every says; left out: time decides.", Whole(1, MonitorRules.MostRows),
            rules => rules.Rows, (rules, value) => rules with { Rows = value }).Later()
        .Key("sample", "Share of the rows that is kept, all rows of a key or none; left out: 1, all of them.", Number(0, 1, openMin: true),
            rules => rules.Sample, (rules, value) => rules with { Sample = value }).Later()
        .Key("signals", "What is watched beside the drift of features, and from where on it is a warning; each may be \"off\", or only \"record\".",
            SignalKeys.Signals, rules => rules.Signals == new SignalRules() ? null : rules.Signals, (rules, value) => rules with { Signals = value }).Later();

    private const string Spans = "a time span from \"00:00:01\" (one second) to \"30.00:00:00\" (thirty days)";

    public static ObjectShape<TrafficRules> Traffic { get; } = Object(new TrafficRules())
        .Key("steps",
            "A new version's share of the requests in percent before it goes into production, such as [5, 25]; left out: it goes into production at once.",
            List(Whole(1, 99), 0, CanaryPlan.MostSteps), rules => rules.Steps.Count == 0 ? null : rules.Steps, (rules, value) => rules with { Steps = value })
        .Key("hold", "How long each step lasts.", Span(TrafficRules.LeastHold, TrafficRules.MostHold, Spans),
            rules => rules.Hold, (rules, value) => rules with { Hold = value })
        .Key("patience", "How long a step may last while what must be shown is not shown yet; then the version is taken out.",
            Span(TrafficRules.LeastHold, TrafficRules.MostHold, Spans),
            rules => rules.Patience, (rules, value) => rules with { Patience = value })
        .Key("need", "What must be shown of the version at the end of a step: that it is not worse than production, or that it is better.",
            Choice(DefinitionNames.CanaryNeeds), rules => rules.Need, (rules, value) => rules with { Need = value })
        .Key("minFeedback", "Fewest rows with feedback, of either version, at the end of a step; 0: what comes is looked at.",
            Whole(0, TrafficRules.MostFeedback), rules => rules.MinFeedback, (rules, value) => rules with { MinFeedback = value })
        .Key("failedAtMost", "Share of its rows that a version may fail to answer (production answers them); above it counts as worse.", Number(0, 1),
            rules => rules.FailedAtMost, (rules, value) => rules with { FailedAtMost = value })
        .Key("promote", "A version that a person lets answer beside production goes into production by itself when it is better.", Flag(),
            rules => rules.Promote, (rules, value) => rules with { Promote = value })
        .Key("rollBack", "A version that a person lets answer beside production is taken out by itself when it is worse.", Flag(),
            rules => rules.RollBack, (rules, value) => rules with { RollBack = value });
}
