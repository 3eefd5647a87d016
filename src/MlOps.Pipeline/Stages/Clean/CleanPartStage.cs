using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Stages.Clean;

/// <param name="Raw">The raw table.</param>
/// <param name="Part">Which of its parts.</param>
/// <param name="SplitKey">The columns whose values decide the side of the split; null: those that the model has to do with.</param>
public sealed record CleanPartInput(DatasetRef Raw, int Part, IReadOnlyList<string>? SplitKey = null);

public sealed record CleanPartOutput(StageReport Report) : IStageOutput;

/// <summary>Cleans one part of a large table, beside other machines that clean the others; <see cref="CleanStage"/> joins them.</summary>
public sealed class CleanPartStage(PipelineStorage storage, DatasetStore datasets, DuckDb duckDb) : IStage<CleanPartInput, CleanPartOutput>
{
    public static string Name => "clean-part";

    public async Task<CleanPartOutput> RunAsync(StageContext context, CleanPartInput input, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var raw = await datasets.GetAsync(input.Raw.Id, cancel);
        var rules = CleanRules.Of(definition, raw, input.SplitKey);
        var ids = CleanIds.Of(raw, rules);
        if (await datasets.ReuseAsync(ids.Rows, cancel) is { } existing)
        {
            return new CleanPartOutput(new StageReport(existing.Parts[input.Part].Rows, Reused: true));
        }
        var table = await datasets.OpenAsync(raw, input.Part, cancel);
        var cleaned = await new PartCleaner(datasets, duckDb, raw, rules)
            .CleanAsync(input.Part, table.Paths[0], ids.Rows, cancel);
        await cleaned.SaveAsync(storage, ids.Rows, input.Part, cancel);
        return new CleanPartOutput(new StageReport(cleaned.Part.Rows));
    }
}
