using System.Text.Json.Nodes;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Clean;

/// <summary>The versions that cleaning makes of a raw table.</summary>
/// <param name="Rows">The rows that stay, nulls as they are.</param>
/// <param name="Clean">The same with nulls filled: a view of the rows, or the rows themselves where nothing is to be filled.</param>
/// <param name="Parameters">The parts of the definition that decide.</param>
internal sealed record CleanIds(string Rows, string Clean, JsonObject Parameters)
{
    public static CleanIds Of(DatasetManifest raw, CleanRules rules)
    {
        var definition = rules.Definition;
        var fills = definition.Columns.Values.Any(rule => rule.Impute is not null);
        var parameters = new JsonObject
        {
            ["definition"] = JsonNode.Parse(DefinitionJson.Write(new PipelineDefinition
            {
                Model = "any",
                Target = definition.Target,
                Task = definition.Task,
                Positive = definition.Positive,
                Columns = definition.Columns,
                Cleaning = definition.Cleaning,
                Features = new FeatureRules { DateParts = definition.Features.DateParts, Custom = definition.Features.Custom },
                Split = fills ? definition.Split : new SplitRules(),
            })),
            ["splitKey"] = new JsonArray([.. rules.SplitKey.Select(column => (JsonNode?)column)]),
            ["keepsEqual"] = rules.KeepsEqual,
            ["format"] = 3,
        };
        if (fills && definition.Split.Test is null)
        {
            // Whether there are test rows, which nothing is fitted on.
            parameters["foldsBelow"] = definition.Train.FoldsBelow;
        }
        if (TargetColumn.MayBeMulticlass(rules.Plan.Target, definition))
        {
            // Parts that were cleaned while three values were enough to refuse a target do not know its classes.
            parameters["maxClasses"] = TargetColumn.MostClasses(definition);
        }
        var clean = DatasetStore.IdOf(CleanStage.Name, [raw.Id], parameters);
        return new CleanIds(fills ? DatasetStore.IdOf("clean-rows", [raw.Id], parameters) : clean, clean, parameters);
    }
}
