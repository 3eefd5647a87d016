using System.Text.Json;
using MlOps.Drift;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions;

/// <summary>Turns JSON into a definition; every key that is absent takes its default.</summary>
internal static class DefinitionReader
{
    public static PipelineDefinition Read(JsonElement json, List<string> problems)
    {
        var root = new JsonReader(json, "", problems);
        var defaults = new PipelineDefinition { Model = "", Target = "" };
        var definition = defaults with
        {
            Model = Required(root, "model"),
            Target = Required(root, "target"),
            Task = root.Choice("task", DefinitionNames.Tasks),
            Positive = root.Take("positive") is { } positive ? Scalar(positive) : null,
            Threshold = root.Number("threshold", 0, 1) ?? defaults.Threshold,
            Owner = root.Text("owner"),
            IntendedUse = root.Text("intendedUse"),
            Limits = root.Text("limits"),
            Columns = root.Object("columns", ReadColumns) ?? defaults.Columns,
            Cleaning = root.Object("cleaning", ReadCleaning) ?? defaults.Cleaning,
            Features = root.Object("features", ReadFeatures) ?? defaults.Features,
            Split = root.Object("split", ReadSplit) ?? defaults.Split,
            Candidates = root.Items("candidates") is { } items
                ? [.. items.Select((item, i) => ReadCandidate(new JsonReader(item, $"candidates[{i}]", problems)))]
                : defaults.Candidates,
            Gates = root.Object("gates", ReadGates) ?? defaults.Gates,
            RunOn = root.Object("runOn", ReadTriggers) ?? defaults.RunOn,
            Monitor = root.Object("monitor", ReadMonitor) ?? defaults.Monitor,
        };
        root.RejectUnknown();
        return definition;
    }

    private static string Required(JsonReader json, string key)
    {
        if (json.Text(key) is { } text)
        {
            return text;
        }
        json.Problem(key, "is missing.");
        return "";
    }

    private static Dictionary<string, ColumnRule> ReadColumns(JsonReader json)
    {
        var columns = new Dictionary<string, ColumnRule>(StringComparer.Ordinal);
        foreach (var (name, value) in json.TakeAll().ToList())
        {
            columns[name] = value.ValueKind == JsonValueKind.String
                ? ShortRule(json, name, value.GetString()!)
                : json.Object(name, ReadColumn) ?? new ColumnRule();
        }
        return columns;
    }

    private static ColumnRule ShortRule(JsonReader json, string column, string kind)
    {
        if (kind == "ignore")
        {
            return new ColumnRule { Ignore = true };
        }
        return new ColumnRule { Kind = json.Choice(column, DefinitionNames.Kinds) };
    }

    private static ColumnRule ReadColumn(JsonReader json)
    {
        var rule = new ColumnRule
        {
            Ignore = json.Flag("ignore") ?? false,
            Kind = json.Choice("kind", DefinitionNames.Kinds),
            Min = json.Number("min"),
            Max = json.Number("max"),
            Allowed = json.Items("allowed") is { } allowed ? [.. allowed.Select(Scalar)] : null,
            Required = json.Flag("required") ?? true,
            Impute = ReadImpute(json),
            Drift = json.Object("drift", ReadDrift),
        };
        json.RejectUnknown();
        return rule;
    }

    private static DriftRule ReadDrift(JsonReader json)
    {
        var rule = new DriftRule(json.Choice("test", DefinitionNames.DriftTests), json.Number("threshold", 0));
        json.RejectUnknown();
        return rule;
    }

    private static ImputeRule? ReadImpute(JsonReader json)
    {
        if (json.Take("impute") is not { } impute)
        {
            return null;
        }
        if (impute.ValueKind == JsonValueKind.Object)
        {
            return json.Object("impute", constant =>
            {
                var value = constant.Take("constant");
                constant.RejectUnknown();
                return new ImputeRule(ImputeStrategy.Constant, value is { } given ? Scalar(given) : "");
            });
        }
        return json.Choice("impute", DefinitionNames.Strategies) is { } strategy ? new ImputeRule(strategy) : null;
    }

    private static CleaningRules ReadCleaning(JsonReader json)
    {
        var rules = new CleaningRules();
        rules = rules with { MaxDropped = json.Number("maxDropped", 0, 1) ?? rules.MaxDropped };
        json.RejectUnknown();
        return rules;
    }

    private static FeatureRules ReadFeatures(JsonReader json)
    {
        var defaults = new FeatureRules();
        var rules = new FeatureRules
        {
            Interactions = ReadPairs(json, "interactions"),
            Ratios = ReadPairs(json, "ratios"),
            Logs = json.Texts("logs") ?? [],
            DateParts = json.Texts("dateParts") ?? [],
            Required = json.Texts("required") ?? [],
            MaxCategories = (int)(json.Integer("maxCategories", 1, 10_000) ?? defaults.MaxCategories),
        };
        json.RejectUnknown();
        return rules;
    }

    private static IReadOnlyList<IReadOnlyList<string>> ReadPairs(JsonReader json, string key)
    {
        var pairs = new List<IReadOnlyList<string>>();
        foreach (var (item, i) in (json.Items(key) ?? []).Select((item, i) => (item, i)))
        {
            var isPair = item.ValueKind == JsonValueKind.Array && item.GetArrayLength() == 2 && item.EnumerateArray().All(name => name.ValueKind == JsonValueKind.String);
            if (isPair)
            {
                pairs.Add([.. item.EnumerateArray().Select(name => name.GetString()!)]);
            }
            else
            {
                json.Problem($"{key}[{i}]", "must be an array of two column names.");
            }
        }
        return pairs;
    }

    private static SplitRules ReadSplit(JsonReader json)
    {
        var defaults = new SplitRules();
        var rules = new SplitRules
        {
            Validation = json.Number("validation", 0, 1, openMin: true, openMax: true) ?? defaults.Validation,
            Seed = json.Integer("seed", 0, long.MaxValue) ?? defaults.Seed,
            Time = json.Text("time"),
            Group = json.Text("group"),
        };
        json.RejectUnknown();
        return rules;
    }

    private static CandidateSpec ReadCandidate(JsonReader json)
    {
        var defaults = new CandidateSpec { Trainer = TrainerKind.LightGbm };
        var trainer = json.Choice("trainer", DefinitionNames.Trainers);
        if (trainer is null && json.Take("trainer") is null)
        {
            json.Problem("trainer", "is missing.");
        }
        var candidate = new CandidateSpec
        {
            Trainer = trainer ?? defaults.Trainer,
            Trees = (int)(json.Integer("trees", 1, 100_000) ?? defaults.Trees),
            Leaves = (int)(json.Integer("leaves", 2, 100_000) ?? defaults.Leaves),
            Rate = json.Number("rate", 0, 1, openMin: true) ?? defaults.Rate,
            MinRowsPerLeaf = (int)(json.Integer("minRowsPerLeaf", 1, int.MaxValue) ?? defaults.MinRowsPerLeaf),
            EarlyStopping = (int)(json.Integer("earlyStopping", 0, 100_000) ?? defaults.EarlyStopping),
            L2 = json.Number("l2", 0),
            Iterations = (int?)json.Integer("iterations", 1, 100_000),
            MaxMinutes = json.Number("maxMinutes", 0, 100_000, openMin: true),
        };
        json.RejectUnknown();
        return candidate;
    }

    private static GateRules ReadGates(JsonReader json)
    {
        var defaults = new GateRules();
        var gates = new GateRules
        {
            Metric = json.Text("metric"),
            AtMost = json.Number("atMost"),
            AtLeast = json.Number("atLeast"),
            BetterBy = json.Number("betterBy", 0) ?? defaults.BetterBy,
            Drift = json.Choice("drift", DefinitionNames.DriftGates) ?? defaults.Drift,
            DriftShare = json.Number("driftShare", 0, 1) ?? defaults.DriftShare,
            Approval = json.Object("approval", ReadApproval) ?? defaults.Approval,
        };
        json.RejectUnknown();
        return gates;
    }

    private static ApprovalRule ReadApproval(JsonReader json)
    {
        var rule = new ApprovalRule(
            json.Flag("required") ?? false,
            json.Span("timeout", timeout => timeout > TimeSpan.Zero, "a time span such as \"1.00:00:00\" (one day) or \"02:00:00\" (two hours)"));
        json.RejectUnknown();
        return rule;
    }

    private static TriggerRules ReadTriggers(JsonReader json)
    {
        var triggers = new TriggerRules(
            json.Text("schedule"), json.Flag("newFile") ?? false, json.Choice("overlap", DefinitionNames.Overlaps) ?? Overlap.Queue, json.Flag("drift") ?? false);
        json.RejectUnknown();
        return triggers;
    }

    private static MonitorRules ReadMonitor(JsonReader json)
    {
        var defaults = new MonitorRules();
        var rules = new MonitorRules
        {
            Log = json.Flag("log") ?? defaults.Log,
            Drift = json.Flag("drift") ?? defaults.Drift,
            Every = json.Span(
                "every", every => every >= MonitorRules.LeastEvery && every <= MonitorRules.MostEvery,
                "a time span from \"00:01:00\" (one minute) to \"1.00:00:00\" (one day)") ?? defaults.Every,
            MinRows = (int)(json.Integer("minRows", 1, MonitorRules.MostRows) ?? defaults.MinRows),
        };
        json.RejectUnknown();
        return rules;
    }

    private static string Scalar(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
}
