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
            rules => rules.Drift, (rules, value) => rules with { Drift = value }).Later();

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
        .Key("sample", "Share of the rows that is kept, all rows of a key or none; left out: 1, all of them.", Number(0, 1, openMin: true),
            rules => rules.Sample, (rules, value) => rules with { Sample = value }).Later();
}
