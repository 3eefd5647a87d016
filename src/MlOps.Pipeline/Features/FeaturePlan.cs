using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Features;

/// <summary>Which columns of a table the model uses, and how: the definition applied to the columns that are there.</summary>
/// <param name="Target">The predicted column.</param>
/// <param name="Inputs">Columns a caller sends, in the table's order.</param>
/// <param name="Derived">Computed features whose input columns are there.</param>
/// <param name="Carried">Columns that the split or learning needs although the model does not read them.</param>
/// <param name="Warnings">What is skipped and why.</param>
public sealed record FeaturePlan(
    DatasetColumn Target, IReadOnlyList<DatasetColumn> Inputs, IReadOnlyList<DerivedFeature> Derived, IReadOnlyList<DatasetColumn> Carried,
    IReadOnlyList<Warning> Warnings)
{
    /// <summary>The note of a features table that carries its plan.</summary>
    public const string Note = "plan";

    /// <summary>The column that says how much each row counts in learning; null: none does.</summary>
    public DatasetColumn? Weights { get; init; }

    /// <summary>Until <see cref="With"/> has found the version of a function that the host added.</summary>
    private const string NotFoundYet = "";

    /// <exception cref="InputException">
    /// The target, a declared column, a split column or a required feature's input is missing, or nothing is left to learn from.
    /// </exception>
    public static FeaturePlan Of(PipelineDefinition definition, IReadOnlyList<DatasetColumn> columns)
    {
        var byName = columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
        var warnings = new List<Warning>();
        var target = Find(byName, definition.Target, "target");
        var missing = definition.Columns.Where(column => !column.Value.Ignore && !byName.ContainsKey(column.Key)).Select(column => column.Key).ToList();
        if (missing.Count > 0)
        {
            throw new InputException([.. missing.Select(name => $"Column '{name}' is declared but not in the data ({Instead(name, byName.Keys)}). Correct the "
                + "name, give a file that has the column, or take it out of \"columns\" (declare it \"ignore\" where it may be missing).")]);
        }
        var derived = Derive(definition, byName, warnings);
        var taken = columns.Select(column => column.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var clash in derived.Where(feature => !taken.Add(feature.Name)).ToList())
        {
            if (!BuiltInFunctions.DateParts.Contains(clash.Function) || definition.Features.Required.Contains(clash.Name, StringComparer.Ordinal))
            {
                throw new InputException($"The computed feature '{clash.Name}' has the name of another column. Rename that column, or leave the feature out.");
            }
            warnings.Add(new Warning(
                WarningCodes.FeatureSkipped, $"Feature '{clash.Name}' is left out: a column of that name is in the data already.")
            {
                Column = clash.Name,
            });
            derived.Remove(clash);
        }
        var used = derived.SelectMany(feature => feature.Inputs).ToHashSet(StringComparer.Ordinal);
        var weights = RowWeights.ColumnOf(definition.Weights) is { } weighing ? WeightsOf(Find(byName, weighing, "weights")) : null;
        var inputs = columns.Where(column => column != target && column != weights && IsInput(column, definition, used, warnings)).ToList();
        if (inputs.Count == 0)
        {
            throw new InputException($"No column is left to predict '{target.Name}' from: the others are ignored, ids or free text. Declare the kind of "
                + $"those to use under 'columns'.");
        }
        foreach (var name in definition.Split.Key)
        {
            Find(byName, name, "split.key");
        }
        IEnumerable<string> splitColumns = new[] { definition.Split.Time, definition.Split.Group }.OfType<string>();
        var carried = splitColumns.Select(name => Find(byName, name, "split")).Concat(weights is null ? [] : [weights])
            .Where(column => column != target && !inputs.Contains(column)).Distinct().ToList();
        return new FeaturePlan(target, inputs, derived, carried, warnings) { Weights = weights };
    }

    private static DatasetColumn WeightsOf(DatasetColumn column) => column.Type == StorageType.Double
        ? column
        : throw new InputException(
            $"Column '{column.Name}' is the weights, and it is {DefinitionNames.Kinds.NameOf(column.Kind)}: weights are numbers, 0 or more. Name a "
                + "numeric column, or declare its format under 'columns'.");

    /// <summary>The plan that a features table, or a selection of one, was made by.</summary>
    public static FeaturePlan Of(DatasetManifest features) => Json.Read<FeaturePlan>(features.Notes[Note]!.ToJsonString());

    /// <summary>The raw columns that the model has to do with, in the order of their names.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<string> Key => [.. Inputs.Select(input => input.Name).Append(Target.Name).Order(StringComparer.Ordinal)];

    /// <summary>The plan with the functions of this process.</summary>
    /// <exception cref="InputException">It does not have one of them.</exception>
    public FeaturePlan With(FeatureFunctions functions)
    {
        IReadOnlyList<DerivedFeature> found =
        [
            .. Derived.Select(feature => feature.IsBuiltIn ? feature : feature with { Version = functions.VersionOf(feature.Function) ?? NotFoundYet })
        ];
        functions.Require(found);
        return this with { Derived = found };
    }

    /// <summary>The model's columns in order: inputs that it uses as they are, then the computed ones.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<DatasetColumn> Features =>
        [.. Inputs.Where(input => input.Kind != ColumnKind.Datetime), .. Derived.Select(
            feature => new DatasetColumn(feature.Name, StorageType.Double, ColumnKind.Numeric))];

    private static bool IsInput(DatasetColumn column, PipelineDefinition definition, HashSet<string> used, List<Warning> warnings)
    {
        var rule = definition.Columns.GetValueOrDefault(column.Name);
        if (rule is { Ignore: true })
        {
            return NotUsed($"Column '{column.Name}' is not used: the definition ignores it.");
        }
        switch (column.Kind)
        {
            case ColumnKind.Datetime when used.Contains(column.Name):
                return true;
            case ColumnKind.Datetime:
                return NotUsed($"Column '{column.Name}' is a datetime and not used: name it under features.dateParts to use its parts.");
            case ColumnKind.Text or ColumnKind.IdLike:
                return NotUsed($"Column '{column.Name}' is not used: it is {(column.Kind == ColumnKind.Text ? "free text" : "an id")}. "
                    + "Declare another kind to change that.");
            default:
                return true;
        }

        bool NotUsed(string text)
        {
            warnings.Add(new Warning(WarningCodes.NotUsed, text) { Column = column.Name });
            return false;
        }
    }

    private static List<DerivedFeature> Derive(PipelineDefinition definition, Dictionary<string, DatasetColumn> columns, List<Warning> warnings)
    {
        var rules = definition.Features;
        IEnumerable<DerivedFeature> declared =
        [
            .. rules.Interactions.Select(pair => new DerivedFeature($"{pair[0]}_x_{pair[1]}", BuiltInFunctions.Product, pair)),
            .. rules.Ratios.Select(pair => new DerivedFeature($"{pair[0]}_per_{pair[1]}", BuiltInFunctions.Ratio, pair)),
            .. rules.Logs.Select(name => new DerivedFeature($"log_{name}", BuiltInFunctions.Log, [name])),
            .. rules.DateParts.SelectMany(
                name => BuiltInFunctions.DateParts.Select(function => new DerivedFeature($"{name}_{PartName(function)}", function, [name]))),
            .. rules.Custom.Select(custom => new DerivedFeature(custom.Name, custom.Function, custom.Inputs, NotFoundYet)),
        ];
        var derived = new List<DerivedFeature>();
        var missing = new List<string>();
        foreach (var feature in declared)
        {
            var problems = feature.Inputs.Select(name => ProblemOf(name, feature, definition, columns)).OfType<string>().ToList();
            if (problems.Count == 0)
            {
                derived.Add(feature);
            }
            else if (rules.Required.Contains(feature.Name, StringComparer.Ordinal))
            {
                missing.Add($"Feature '{feature.Name}' is required: {string.Join("; ", problems)}.");
            }
            else
            {
                warnings.Add(new Warning(
                    WarningCodes.FeatureSkipped, $"Feature '{feature.Name}' is skipped: {string.Join("; ", problems)}.")
                {
                    Column = feature.Name,
                });
            }
        }
        missing.AddRange(rules.Required.Where(name => !declared.Any(feature => feature.Name == name)).Select(
            name => $"features.required names '{name}', which no feature computes."));
        return missing.Count == 0
            ? derived
            : throw new InputException(missing);
    }

    private static string? ProblemOf(string name, DerivedFeature feature, PipelineDefinition definition, Dictionary<string, DatasetColumn> columns)
    {
        if (!columns.TryGetValue(name, out var column))
        {
            return $"column '{name}' is not in the data ({Instead(name, columns.Keys)})";
        }
        if (definition.Columns.GetValueOrDefault(name) is { Ignore: true })
        {
            return $"column '{name}' is declared ignored";
        }
        ColumnKind[] wanted = feature.IsBuiltIn
            ? [BuiltInFunctions.DateParts.Contains(feature.Function) ? ColumnKind.Datetime : ColumnKind.Numeric]
            : [ColumnKind.Numeric, ColumnKind.Boolean, ColumnKind.Datetime];
        return wanted.Contains(column.Kind)
            ? null
            : $"column '{name}' is {DefinitionNames.Kinds.NameOf(column.Kind)}, not {string.Join(" or ", wanted.Select(DefinitionNames.Kinds.NameOf))}";
    }

    private static string PartName(string function) => function == BuiltInFunctions.DayOfWeek ? "day_of_week" : function;

    private static DatasetColumn Find(Dictionary<string, DatasetColumn> columns, string name, string role) => columns.TryGetValue(name, out var column)
        ? column
        : throw new InputException($"There is no column '{name}' ({role}) in the data{NearestName.Question(name, columns.Keys)} {Listing(columns.Keys)}");

    private static string Instead(string name, IReadOnlyCollection<string> columns) =>
        NearestName.Of(name, columns) is { } near ? $"nearest: '{near}'" : $"its columns are {NearestName.List(columns)}";

    private static string Listing(IReadOnlyCollection<string> names) =>
        names.Count <= 30 ? $"The columns are: {string.Join(", ", names)}." : $"The first columns are: {string.Join(", ", names.Take(30))} (of {names.Count}).";
}
