using MlOps.Drift;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Definitions;

/// <summary>How enumerations are spelt in a definition.</summary>
internal static class DefinitionNames
{
    public static IReadOnlyDictionary<string, TaskKind> Tasks { get; } = new Dictionary<string, TaskKind>
    {
        ["regression"] = TaskKind.Regression,
        ["binary"] = TaskKind.Binary,
        ["multiclass"] = TaskKind.Multiclass,
    };

    public static IReadOnlyDictionary<string, ColumnKind> Kinds { get; } = new Dictionary<string, ColumnKind>
    {
        ["numeric"] = ColumnKind.Numeric,
        ["categorical"] = ColumnKind.Categorical,
        ["boolean"] = ColumnKind.Boolean,
        ["datetime"] = ColumnKind.Datetime,
        ["text"] = ColumnKind.Text,
        ["id"] = ColumnKind.IdLike,
    };

    public static IReadOnlyDictionary<string, CellPattern> Patterns { get; } = new Dictionary<string, CellPattern>
    {
        ["1234.5"] = CellPattern.Point,
        ["1234,5"] = CellPattern.Comma,
        ["1,234.5"] = CellPattern.CommaGroups,
        ["1.234,5"] = CellPattern.PointGroups,
        ["1 234,5"] = CellPattern.SpaceGroups,
        ["1 234.5"] = CellPattern.SpaceGroupsPoint,
        ["1'234.5"] = CellPattern.ApostropheGroups,
        ["ymd"] = CellPattern.Ymd,
        ["dmy"] = CellPattern.Dmy,
        ["mdy"] = CellPattern.Mdy,
    };

    public static IReadOnlyDictionary<string, DecimalMark> DecimalMarks { get; } = new Dictionary<string, DecimalMark>
    {
        ["."] = DecimalMark.Point,
        [","] = DecimalMark.Comma,
    };

    public static IReadOnlyDictionary<string, Duplicates> DuplicateRules { get; } = new Dictionary<string, Duplicates>
    {
        ["drop"] = Duplicates.Drop,
        ["keep"] = Duplicates.Keep,
    };

    public static IReadOnlyDictionary<string, ImputeStrategy> Strategies { get; } = new Dictionary<string, ImputeStrategy>
    {
        ["mean"] = ImputeStrategy.Mean,
        ["median"] = ImputeStrategy.Median,
        ["mostFrequent"] = ImputeStrategy.MostFrequent,
    };

    public static IReadOnlyDictionary<string, DriftGate> DriftGates { get; } = new Dictionary<string, DriftGate>
    {
        ["block"] = DriftGate.Block,
        ["warn"] = DriftGate.Warn,
        ["ignore"] = DriftGate.Ignore,
    };

    public static IReadOnlyDictionary<string, Consequence> Consequences { get; } = new Dictionary<string, Consequence>
    {
        ["warn"] = Consequence.Warn,
        ["block"] = Consequence.Block,
    };

    public static IReadOnlyDictionary<string, Overlap> Overlaps { get; } = new Dictionary<string, Overlap>
    {
        ["queue"] = Overlap.Queue,
        ["skip"] = Overlap.Skip,
        ["parallel"] = Overlap.Parallel,
    };

    public static IReadOnlyDictionary<string, CanaryNeed> CanaryNeeds { get; } = new Dictionary<string, CanaryNeed>
    {
        ["not worse"] = CanaryNeed.NotWorse,
        ["better"] = CanaryNeed.Better,
    };

    public static IReadOnlyDictionary<string, SignalMode> SignalModes { get; } = new Dictionary<string, SignalMode>
    {
        ["record"] = SignalMode.Record,
        ["off"] = SignalMode.Off,
    };

    /// <summary>Evidently's names of its tests.</summary>
    public static IReadOnlyDictionary<string, DriftTestKind> DriftTests { get; } =
        MlOps.Drift.DriftTests.All.ToDictionary(test => test.Name, test => test.Kind);

    /// <summary>Metrics a gate may name, by task, the usual one first; true when larger is better.</summary>
    public static IReadOnlyDictionary<TaskKind, IReadOnlyDictionary<string, bool>> Metrics { get; } =
        new Dictionary<TaskKind, IReadOnlyDictionary<string, bool>>
        {
            [TaskKind.Regression] = new Dictionary<string, bool> { ["rmse"] = false, ["mae"] = false, ["r2"] = true },
            [TaskKind.Binary] = new Dictionary<string, bool>
            {
                ["auc"] = true,
                ["log_loss"] = false,
                ["brier"] = false,
                ["accuracy"] = true,
                ["f1"] = true,
                ["precision"] = true,
                ["recall"] = true,
            },
            [TaskKind.Multiclass] = new Dictionary<string, bool>
            {
                ["log_loss"] = false,
                ["accuracy"] = true,
                ["f1_macro"] = true,
                ["f1_weighted"] = true,
                ["auc"] = true,
            },
        };

    public static string NameOf<T>(this IReadOnlyDictionary<string, T> names, T value)
        where T : struct, Enum => names.First(pair => pair.Value.Equals(value)).Key;
}
