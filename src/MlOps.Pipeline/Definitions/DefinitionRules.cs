using Cronos;
using MlOps.Drift;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Definitions;

/// <summary>What a well-formed definition must also satisfy as a whole.</summary>
internal static class DefinitionRules
{
    public static IEnumerable<string> ProblemsOf(PipelineDefinition definition)
    {
        if (!ModelName.IsValid(definition.Model))
        {
            yield return $"model is '{definition.Model}'; it must be {ModelName.Rule}.";
        }
        if (definition.Target.Length == 0)
        {
            yield return "target is empty; name the column to predict.";
        }
        if (definition.Columns.TryGetValue(definition.Target, out var target) && target.Ignore)
        {
            yield return $"columns.{definition.Target} is the target and cannot be ignored.";
        }
        foreach (var problem in definition.Columns.SelectMany(
            column => ProblemsOf(column.Key, column.Value)).Concat(ProblemsOf(definition.Features, definition)))
        {
            yield return problem;
        }
        foreach (var problem in ProblemsOf(definition.Expect))
        {
            yield return problem;
        }
        if (definition.Candidates.Count is 0 or > PipelineDefinition.MostCandidates)
        {
            yield return $"candidates must name 1 to {PipelineDefinition.MostCandidates} trainers.";
        }
        foreach (var problem in definition.Candidates.SelectMany(
            (candidate, i) => ProblemsOfName($"candidates[{i}].trainer", candidate.Trainer)).Concat(
            definition.Gates.Checks.SelectMany((check, i) => ProblemsOfName($"gates.checks[{i}]", check.Check))))
        {
            yield return problem;
        }
        if (definition.Gates.Checks.GroupBy(check => check.Check, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            yield return $"gates.checks names '{twice.Key}' twice.";
        }
        if (definition.Split.Time is not null && definition.Split.Group is not null)
        {
            yield return "split names both 'time' and 'group'; choose one.";
        }
        if (definition.Split.Validation + definition.Split.Test is >= 1 and var held)
        {
            yield return $"split.validation and split.test take {held:0.##} of the rows together; it must be below 1, so that rows are left to train on.";
        }
        if (definition.Train.Sample is >= 1 and var sample && (sample < TrainRules.FewestSampled || sample != Math.Truncate(sample)))
        {
            yield return FormattableString.Invariant(
                $"train.sample is {sample}; it must be a share below 1, such as 0.1, or a whole number of at least {TrainRules.FewestSampled} rows. ")
                + "Leave it out to train on all rows.";
        }
        if (definition.RunOn.Schedule is { } schedule && !IsCron(schedule))
        {
            yield return $"runOn.schedule is '{schedule}'; it must be a cron expression in UTC, with seconds first, such as \"0 0 3 * * *\" (every day at "
                + $"3:00).";
        }
        else if (definition.RunOn.Schedule is { } rare && NeverComes(rare))
        {
            yield return $"runOn.schedule is '{rare}', a time that never comes (such as 30 February).";
        }
        if (definition.RunOn.Drift && definition.Monitor is not { Log: true, Drift: true })
        {
            yield return "runOn.drift is true, and what would find drift is off: set monitor.log and monitor.drift to true, or runOn.drift to false.";
        }
        if (definition.RunOn.Decay && !(definition.Monitor is { Log: true, Drift: true, Signals: var signals }
            && (signals.Performance.Mode == SignalMode.Judge || signals.EstimatedPerformance.Mode == SignalMode.Judge)))
        {
            yield return "runOn.decay is true, and what would find it is off: set monitor.log and monitor.drift to true and leave "
                + "monitor.signals.performance or monitor.signals.estimatedPerformance on, or set runOn.decay to false.";
        }
        foreach (var problem in new CanaryPlan(definition.Traffic.Steps, definition.Traffic.Hold, definition.Traffic.Patience).Problems("traffic."))
        {
            yield return problem;
        }
        if (definition is { Monitor.Log: false, Traffic: { Steps.Count: > 0 } or { Promote: true } or { RollBack: true } })
        {
            yield return "traffic has versions judged by what they answered, and monitor.log keeps nothing of it: set monitor.log to true, or leave out "
                + "traffic.steps, traffic.promote and traffic.rollBack.";
        }
        if (definition.ThresholdMetric is { } decisive && !ThresholdRule.Metrics.Contains(decisive))
        {
            yield return $"threshold is '{decisive}'; it must be a probability from 0 to 1, or one of {string.Join(", ", ThresholdRule.Metrics)}.";
        }
        if (definition is { Positive: { } positive, Task: TaskKind.Multiclass })
        {
            yield return $"positive is '{positive}', and task is multiclass: only a binary target has a positive value.";
        }
        foreach (var problem in ProblemsOfWeights(definition))
        {
            yield return problem;
        }
        if (definition.Slices.GroupBy(column => column, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } sliced)
        {
            yield return $"slices names '{sliced.Key}' twice.";
        }
        if (definition.Gates.Slices is not null && definition.Slices.Count == 0)
        {
            yield return "gates.slices asks something of groups, and slices names no column: name one, or leave the gate out.";
        }
        foreach (var problem in ProblemsOf(definition.Gates, definition.Task))
        {
            yield return problem;
        }
    }

    private static IEnumerable<string> ProblemsOfWeights(PipelineDefinition definition)
    {
        if (definition is { Weights: RowWeights.Balanced, Task: TaskKind.Regression })
        {
            yield return "weights is 'balanced', and task is regression: only classes can be balanced. Name a column of weights, or leave weights out.";
        }
        if (RowWeights.ColumnOf(definition.Weights) is not { } column)
        {
            yield break;
        }
        if (column == definition.Target)
        {
            yield return $"weights is '{column}', which is the target.";
        }
        if (definition.Columns.GetValueOrDefault(column) is { Ignore: true })
        {
            yield return $"columns.{column} is the weights and cannot be ignored: take the column out of 'columns', it is no feature anyway.";
        }
        if (InputsOf(definition.Features).Contains(column, StringComparer.Ordinal))
        {
            yield return $"features uses the weights '{column}' as an input: who asks for a prediction has no weight.";
        }
    }

    private static IEnumerable<string> InputsOf(FeatureRules features) =>
        features.Interactions.Concat(features.Ratios).Concat(features.Custom.Select(custom => custom.Inputs)).SelectMany(columns => columns)
            .Concat(features.Logs).Concat(features.DateParts);

    /// <summary>Six fields with seconds, or the classic five.</summary>
    private static bool IsCron(string schedule) =>
        CronExpression.TryParse(schedule, CronFormat.IncludeSeconds, out _) || CronExpression.TryParse(schedule, CronFormat.Standard, out _);

    private static bool NeverComes(string schedule) =>
        (CronExpression.TryParse(schedule, CronFormat.IncludeSeconds, out var cron) || CronExpression.TryParse(schedule, CronFormat.Standard, out cron))
        && cron.GetNextOccurrence(DateTime.UnixEpoch) is null;

    private static IEnumerable<string> ProblemsOf(string column, ColumnRule rule)
    {
        if (rule is { Format: { } format, Kind: { } formatted }
            && formatted != (format >= CellPattern.Ymd ? ColumnKind.Datetime : ColumnKind.Numeric))
        {
            yield return $"columns.{column}: the format '{DefinitionNames.Patterns.NameOf(format)}' is one of "
                + $"{(format >= CellPattern.Ymd ? "dates" : "numbers")}, and the column is declared {DefinitionNames.Kinds.NameOf(formatted)}.";
        }
        if (rule is { Format: { } pattern, Decimal: { } mark } && (pattern >= CellPattern.Ymd || MarkOf(pattern) != mark))
        {
            yield return $"columns.{column}: the format '{DefinitionNames.Patterns.NameOf(pattern)}' has another decimal mark than 'decimal' says. "
                + "Leave one out.";
        }
        if (rule is { Assumed: true, Format: null, Kind: null })
        {
            yield return $"columns.{column}: 'assumed' is said of a format or a kind, and there is neither. Name one, or leave it out.";
        }
        if (rule.Min > rule.Max)
        {
            yield return $"columns.{column}: min {rule.Min} is above max {rule.Max}.";
        }
        if (rule.Impute is { Strategy: ImputeStrategy.Mean or ImputeStrategy.Median } && rule.Kind is { } kind and not ColumnKind.Numeric)
        {
            yield return $"columns.{column}: {rule.Impute.Strategy} needs a numeric column, and it is declared {DefinitionNames.Kinds.NameOf(kind)}. Use "
                + $"mostFrequent or a constant.";
        }
        if (rule.Impute is { Strategy: ImputeStrategy.Constant, Constant: "" or null })
        {
            yield return $"columns.{column}: impute needs a value: {{\"constant\": 0}}.";
        }
        if ((rule.Min is not null || rule.Max is not null) && rule.Kind is { } other and not ColumnKind.Numeric)
        {
            yield return $"columns.{column}: min and max need a numeric column, and it is declared {DefinitionNames.Kinds.NameOf(other)}.";
        }
        foreach (var problem in rule.Drift is { } drift ? ProblemsOf(column, drift, rule.Kind) : [])
        {
            yield return problem;
        }
    }

    private static DecimalMark MarkOf(CellPattern pattern) =>
        pattern is CellPattern.Comma or CellPattern.PointGroups or CellPattern.SpaceGroups ? DecimalMark.Comma : DecimalMark.Point;

    private static IEnumerable<string> ProblemsOf(string column, DriftRule rule, ColumnKind? kind)
    {
        if (rule.Test is { } test && DriftTests.Of(test).NeedsNumbers && kind is { } declared and not ColumnKind.Numeric)
        {
            yield return $"columns.{column}: the drift test '{DefinitionNames.DriftTests.NameOf(test)}' needs a numeric column, and it is declared "
                + $"{DefinitionNames.Kinds.NameOf(declared)}. Use jensenshannon, psi, kl_div, hellinger or chisquare.";
        }
    }

    private static IEnumerable<string> ProblemsOf(FeatureRules features, PipelineDefinition definition)
    {
        if (InputsOf(features).Contains(definition.Target, StringComparer.Ordinal))
        {
            yield return $"features uses the target '{definition.Target}' as an input: the model would be given the answer.";
        }
        foreach (var (custom, i) in features.Custom.Select((custom, i) => (custom, i)))
        {
            if (custom.Name.Length == 0)
            {
                yield return $"features.custom[{i}].name is empty; name the computed column.";
            }
            if (custom.Inputs.Count == 0)
            {
                yield return $"features.custom[{i}].inputs is empty; name the columns that '{custom.Function}' takes.";
            }
            foreach (var problem in ProblemsOfName($"features.custom[{i}].function", custom.Function))
            {
                yield return problem;
            }
        }
    }

    private static IEnumerable<string> ProblemsOfName(string path, string name) =>
        ExtensionNames.IsValid(name) ? [] : [$"{path} is '{name}'; it must be {ExtensionNames.Rule}."];

    private static IEnumerable<string> ProblemsOf(ExpectRules expect)
    {
        var ranges = expect.Ranges.Select(range => (Path: $"expect.ranges.{range.Key}", range.Value.Min, range.Value.Max));
        foreach (var (path, min, max) in expect.Rows is { } rows ? ranges.Prepend(("expect.rows", rows.Min, rows.Max)) : ranges)
        {
            if (min is null && max is null)
            {
                yield return $"{path} has neither 'min' nor 'max': give one of them, or both.";
            }
            if (min > max)
            {
                yield return $"{path}: min {min} is above max {max}.";
            }
        }
        foreach (var (rule, i) in expect.Unique.Select((rule, i) => (rule, i)).Where(unique => unique.rule.Columns.Count == 0))
        {
            yield return $"expect.unique[{i}].columns is empty; name the columns whose values stand in one row only.";
        }
    }

    private static IEnumerable<string> ProblemsOf(GateRules gates, TaskKind? task)
    {
        if (gates.Metric is { } metric)
        {
            var known = DefinitionNames.Metrics.Where(metrics => task is null || metrics.Key == task).SelectMany(metrics => metrics.Value.Keys)
                .Distinct().ToList();
            if (!known.Contains(metric))
            {
                yield return $"gates.metric is '{metric}'; it must be one of {string.Join(", ", known)}.";
            }
        }
        if (gates.AtMost < gates.AtLeast)
        {
            yield return $"gates: atLeast {gates.AtLeast} is above atMost {gates.AtMost}.";
        }
    }
}
