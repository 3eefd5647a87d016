using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Expect;

/// <param name="Raw">The table that was ingested.</param>
public sealed record ExpectInput(DatasetRef Raw);

/// <param name="Unmet">What is not as expected, one sentence each.</param>
/// <param name="BlockedBy">Those of them that block promotion.</param>
/// <param name="Report">The stage's account.</param>
public sealed record ExpectOutput(IReadOnlyList<Reason> Unmet, IReadOnlyList<Reason> BlockedBy, StageReport Report) : IStageOutput;

/// <summary>
/// Looks whether the raw table is what the definition expects, before anything is made of it. Its rows and columns are compared with those of the table that
/// production comes from: a table that was blocked is not what the next one is measured by.
/// </summary>
public sealed class ExpectStage(DatasetStore datasets, ModelRegistry registry, RunStore runs, DuckDb duckDb) : IStage<ExpectInput, ExpectOutput>
{
    public static string Name => "expect";

    public async Task<ExpectOutput> RunAsync(StageContext context, ExpectInput input, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var raw = await datasets.GetAsync(input.Raw.Id, cancel);
        // The run's own time, so that a stage that runs twice comes to the same.
        var started = (await runs.FindAsync(context.RunId, cancel) ?? throw new InvalidOperationException($"Run {context.RunId} has no row.")).Created;
        var outcomes = TableChanges.Outcomes(definition, raw, await EarlierTable.FindAsync(registry, datasets, context.Model, cancel))
            .Concat(await LookAsync(definition.Expect, raw, started, cancel)).ToDictionary();

        await context.LogParamsAsync(outcomes.ToDictionary(outcome => ExpectOutcomes.ParamPrefix + outcome.Key, outcome => outcome.Value), cancel);
        foreach (var (name, outcome) in outcomes)
        {
            context.Log($"{name}: {outcome}");
        }
        var unmet = Expectation.Of(definition.Expect).Where(expectation => IsUnmet(outcomes[expectation.Name])).ToList();
        var blocking = ReasonsOf(Consequence.Block);
        var told = ReasonsOf(Consequence.Warn);
        context.Warn(WarningCodes.Unexpected, told.Texts());
        context.Warn(
            WarningCodes.NotCompared,
            outcomes.Values.Where(outcome => outcome.StartsWith(ExpectOutcomes.NotCompared, StringComparison.Ordinal)).Distinct().Select(
                outcome => $"expect: {outcome}"));
        return new ExpectOutput(Reasons.Cap([.. blocking, .. told]), Reasons.Cap(blocking), new StageReport(raw.Rows));

        IReadOnlyList<Reason> ReasonsOf(Consequence gate) =>
            [.. unmet.Where(expectation => expectation.Gate == gate).Select(
                expectation => new Reason($"expect: {outcomes[expectation.Name]}", GateKind.Expectation))];
    }

    private static bool IsUnmet(string outcome) =>
        outcome != ExpectOutcomes.Holds && !outcome.StartsWith(ExpectOutcomes.NotCompared, StringComparison.Ordinal);

    private async Task<IReadOnlyDictionary<string, string>> LookAsync(ExpectRules rules, DatasetManifest raw, DateTimeOffset started, CancellationToken cancel)
    {
        if (rules is { Fresh.Count: 0, Unique.Count: 0, Ranges.Count: 0 })
        {
            return new Dictionary<string, string>();
        }
        var table = await datasets.OpenAsync(raw, cancel);
        return await Task.Run(
            () =>
            {
                using var session = duckDb.Open(raw.Columns.Count, cancel);
                return new TableExpectations(session, table, started).Outcomes(rules);
            },
            cancel);
    }
}
