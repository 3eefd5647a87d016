using System.Globalization;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions;

/// <summary>Writes a definition in full, defaults included, always in the same order: equal definitions give equal text.</summary>
internal static class DefinitionWriter
{
    public static string Write(PipelineDefinition definition) => Compose(definition).ToJsonString(Json.Indented);

    /// <summary>
    /// The text whose hash names a definition. What later releases added stands in it only where it is not the default, so that a definition
    /// keeps its name from release to release.
    /// </summary>
    public static string WriteIdentity(PipelineDefinition definition)
    {
        var root = Compose(definition);
        if (definition.Monitor == new MonitorRules())
        {
            root.Remove("monitor");
        }
        if (!definition.RunOn.Drift)
        {
            root["runOn"]!.AsObject().Remove("drift");
        }
        return root.ToJsonString(Json.Indented);
    }

    private static JsonObject Compose(PipelineDefinition definition)
    {
        var root = new JsonObject
        {
            ["model"] = definition.Model,
            ["target"] = definition.Target,
            ["task"] = definition.Task is { } task ? DefinitionNames.Tasks.NameOf(task) : null,
            ["positive"] = definition.Positive,
            ["threshold"] = definition.Threshold,
            ["owner"] = definition.Owner,
            ["intendedUse"] = definition.IntendedUse,
            ["limits"] = definition.Limits,
            ["columns"] = new JsonObject(definition.Columns.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => KeyValuePair.Create(c.Key, (JsonNode?)Write(c.Value)))),
            ["cleaning"] = new JsonObject { ["maxDropped"] = definition.Cleaning.MaxDropped },
            ["features"] = Write(definition.Features),
            ["split"] = new JsonObject
            {
                ["validation"] = definition.Split.Validation,
                ["seed"] = definition.Split.Seed,
                ["time"] = definition.Split.Time,
                ["group"] = definition.Split.Group,
            },
            ["candidates"] = new JsonArray([.. definition.Candidates.Select(Write)]),
            ["gates"] = Write(definition.Gates),
            ["runOn"] = new JsonObject
            {
                ["schedule"] = definition.RunOn.Schedule,
                ["newFile"] = definition.RunOn.NewFile,
                ["overlap"] = DefinitionNames.Overlaps.NameOf(definition.RunOn.Overlap),
                ["drift"] = definition.RunOn.Drift,
            },
            ["monitor"] = new JsonObject
            {
                ["log"] = definition.Monitor.Log,
                ["drift"] = definition.Monitor.Drift,
                ["every"] = definition.Monitor.Every.ToString("c", CultureInfo.InvariantCulture),
                ["minRows"] = definition.Monitor.MinRows,
            },
        };
        DropNulls(root);
        return root;
    }

    private static JsonNode Write(ColumnRule rule)
    {
        if (rule == new ColumnRule { Ignore = true })
        {
            return "ignore";
        }
        if (rule.Kind is { } only && rule == new ColumnRule { Kind = only })
        {
            return DefinitionNames.Kinds.NameOf(only);
        }
        return new JsonObject
        {
            ["ignore"] = rule.Ignore ? true : null,
            ["kind"] = rule.Kind is { } kind ? DefinitionNames.Kinds.NameOf(kind) : null,
            ["min"] = rule.Min,
            ["max"] = rule.Max,
            ["allowed"] = rule.Allowed is null ? null : Texts(rule.Allowed),
            ["required"] = rule.Required ? null : false,
            ["impute"] = rule.Impute switch
            {
                null => null,
                { Strategy: ImputeStrategy.Constant } impute => new JsonObject { ["constant"] = impute.Constant },
                { } impute => DefinitionNames.Strategies.NameOf(impute.Strategy),
            },
            ["drift"] = rule.Drift is { } drift
                ? new JsonObject { ["test"] = drift.Test is { } test ? DefinitionNames.DriftTests.NameOf(test) : null, ["threshold"] = drift.Threshold }
                : null,
        };
    }

    private static JsonObject Write(FeatureRules features) => new()
    {
        ["interactions"] = new JsonArray([.. features.Interactions.Select(Texts)]),
        ["ratios"] = new JsonArray([.. features.Ratios.Select(Texts)]),
        ["logs"] = Texts(features.Logs),
        ["dateParts"] = Texts(features.DateParts),
        ["required"] = Texts(features.Required),
        ["maxCategories"] = features.MaxCategories,
    };

    private static JsonObject Write(CandidateSpec candidate) => new()
    {
        ["trainer"] = DefinitionNames.Trainers.NameOf(candidate.Trainer),
        ["trees"] = candidate.Trees,
        ["leaves"] = candidate.Leaves,
        ["rate"] = candidate.Rate,
        ["minRowsPerLeaf"] = candidate.MinRowsPerLeaf,
        ["earlyStopping"] = candidate.EarlyStopping,
        ["l2"] = candidate.L2,
        ["iterations"] = candidate.Iterations,
        ["maxMinutes"] = candidate.MaxMinutes,
    };

    private static JsonObject Write(GateRules gates) => new()
    {
        ["metric"] = gates.Metric,
        ["atMost"] = gates.AtMost,
        ["atLeast"] = gates.AtLeast,
        ["betterBy"] = gates.BetterBy,
        ["drift"] = DefinitionNames.DriftGates.NameOf(gates.Drift),
        ["driftShare"] = gates.DriftShare,
        ["approval"] = new JsonObject
        {
            ["required"] = gates.Approval.Required,
            ["timeout"] = gates.Approval.Timeout?.ToString("c", CultureInfo.InvariantCulture),
        },
    };

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode?)JsonValue.Create(text))]);

    private static void DropNulls(JsonObject json)
    {
        foreach (var (key, value) in json.ToList())
        {
            if (value is null)
            {
                json.Remove(key);
            }
            else if (value is JsonObject child)
            {
                DropNulls(child);
            }
            else if (value is JsonArray items)
            {
                foreach (var item in items.OfType<JsonObject>())
                {
                    DropNulls(item);
                }
            }
        }
    }
}
