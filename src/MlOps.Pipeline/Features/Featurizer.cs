using System.Globalization;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Features;

/// <summary>A column that a model reads.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">How it is stored.</param>
/// <param name="Kind">What it means.</param>
/// <param name="Optional">True when a missing value is left to the model.</param>
/// <param name="Imputed">Value that fills a missing one, fitted on training rows; null: none.</param>
/// <param name="Categories">Categorical columns: the values with a slot of their own, in slot order.</param>
/// <param name="Cells">What a text means; null: plain numbers, dates with the year first, the usual nulls.</param>
/// <param name="Range">Numbers and datetimes: the smallest and largest training value, datetimes in microseconds since 1970; null: none.</param>
public sealed record FeatureInput(
    string Name, StorageType Type, ColumnKind Kind, bool Optional, string? Imputed, IReadOnlyList<string>? Categories, CellFormat? Cells = null,
    ValueRange? Range = null);

/// <param name="Min">The smallest value.</param>
/// <param name="Max">The largest.</param>
public sealed record ValueRange(double Min, double Max)
{
    public bool Contains(double value) => value >= Min && value <= Max;
}

/// <summary>
/// Turns rows into the model's feature vector: everything that was fitted besides the model itself. Stored beside it as
/// <c>featurizer.json</c>; tables and single rows go through the same plan.
/// </summary>
/// <param name="Target">What is predicted.</param>
/// <param name="Threshold">Binary: probability at and above which a row is predicted positive.</param>
/// <param name="Inputs">Columns a caller sends, in order.</param>
/// <param name="Derived">Computed features, in order, after the inputs.</param>
public sealed record Featurizer(TargetColumn Target, double Threshold, IReadOnlyList<FeatureInput> Inputs, IReadOnlyList<DerivedFeature> Derived) : IStored
{
    public static int CurrentFormat => 1;

    public static string StoredAs => "featurizer";

    public int Format { get; init; } = CurrentFormat;

    /// <summary>The unit in which the model predicts; null: the target's own.</summary>
    public TargetScale? Scale { get; init; }

    /// <summary>How much each training row counted: see <see cref="PipelineDefinition.Weights"/>.</summary>
    public string? Weights { get; init; }

    /// <summary>Without the model's unit: tables are in the target's own.</summary>
    internal Featurizer Unscaled => Scale is null ? this : this with { Scale = null };

    /// <summary>Inputs that stand in the vector as they are; datetimes only feed computed features.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<FeatureInput> Direct => [.. Inputs.Where(input => input.Kind != ColumnKind.Datetime)];

    /// <summary>Numeric features, in the order of <see cref="FeatureTable.Numbers"/>: columns, then computed ones.</summary>
    internal IReadOnlyList<string> NumberNames =>
        [.. Direct.Where(input => input.Categories is null).Select(input => input.Name), .. Derived.Select(feature => feature.Name)];

    /// <summary>Categorical columns, in the order of <see cref="FeatureTable.Codes"/>.</summary>
    internal IReadOnlyList<FeatureInput> CategoryInputs => [.. Direct.Where(input => input.Categories is not null)];

    /// <summary>Name of every slot of the vector: the column, and <c>column=category</c> for categories.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<string> Slots =>
    [
        .. Direct.SelectMany(input => input.Categories is { } categories ? categories.Select(category => $"{input.Name}={category}") : [input.Name]),
        .. Derived.Select(feature => feature.Name),
    ];

    /// <summary>Where the value of every slot comes from, in the order of <see cref="Slots"/>.</summary>
    internal IReadOnlyList<SlotSource> Sources
    {
        get
        {
            var sources = new List<SlotSource>();
            int numbers = 0, codes = 0;
            foreach (var input in Direct)
            {
                if (input.Categories is null)
                {
                    sources.Add(new SlotSource(numbers++));
                    continue;
                }
                sources.AddRange(input.Categories.Select((_, category) => new SlotSource(codes, category)));
                codes++;
            }
            sources.AddRange(Derived.Select(_ => new SlotSource(numbers++)));
            return sources;
        }
    }

    /// <summary>True when a slot may hold a missing value.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool MayMiss => Direct.Any(input => input is { Optional: true, Categories: null }) || Derived.Any(MayBeMissing);

    [System.Text.Json.Serialization.JsonIgnore]
    public Signature Signature => new(
        [.. Inputs.Select(input => new SignatureColumn(input.Name, input.Kind, input.Optional || input.Imputed is not null))],
        [.. Direct.Select(input => new SignatureColumn(input.Name, input.Kind, input.Optional)), .. Derived.Select(
            feature => new SignatureColumn(feature.Name, ColumnKind.Numeric, MayBeMissing(feature)))],
        new SignatureColumn(Target.Name, Target.Task == TaskKind.Regression ? ColumnKind.Numeric : ColumnKind.Categorical));

    /// <summary>Fits the categories on a table of training rows.</summary>
    internal static Featurizer Fit(DuckDbSession session, LocalTable train, PipelineDefinition definition)
    {
        var plan = FeaturePlan.Of(train.Manifest);
        var imputed = train.Manifest.Notes[DatasetNotes.Imputed]?.AsObject() ?? new JsonObject();
        var ranges = FitRanges(session, train, plan);
        var inputs = plan.Inputs.Select(column => new FeatureInput(
            column.Name,
            column.Type,
            column.Kind,
            definition.Columns.GetValueOrDefault(column.Name) is { Required: false, Impute: null },
            imputed[column.Name]?.GetValue<string>(),
            column.Kind == ColumnKind.Categorical ? FitCategories(session, train, column, definition.Features.MaxCategories) : null,
            column.Cells,
            ranges.GetValueOrDefault(column.Name)));
        return new Featurizer(TargetColumn.Of(train.Manifest), definition.Threshold, [.. inputs], plan.Derived) { Weights = definition.Weights };
    }

    private static Dictionary<string, ValueRange> FitRanges(DuckDbSession session, LocalTable train, FeaturePlan plan)
    {
        var ranged = plan.Inputs.Where(column => column.Type is StorageType.Double or StorageType.Timestamp).ToList();
        if (ranged.Count == 0)
        {
            return [];
        }
        var ends = ranged.Select(column => column.Type == StorageType.Timestamp ? $"epoch_us({Sql.Name(column.Name)})::DOUBLE" : Sql.Name(column.Name))
            .Select(value => $"min({value}), max({value})");
        var row = session.Rows($"SELECT {string.Join(", ", ends)} FROM {train.ToSql()}")[0];
        return ranged.Select((column, i) => (column.Name, Min: row[2 * i] as double?, Max: row[(2 * i) + 1] as double?))
            .Where(column => column is { Min: { } min, Max: { } max } && double.IsFinite(min) && double.IsFinite(max))
            .ToDictionary(column => column.Name, column => new ValueRange(column.Min!.Value, column.Max!.Value), StringComparer.Ordinal);
    }

    /// <summary>The most frequent values, equal counts in the order of the value.</summary>
    private static IReadOnlyList<string> FitCategories(DuckDbSession session, LocalTable train, DatasetColumn column, int most)
    {
        var name = Sql.Name(column.Name);
        var rows = session.Rows(
            $"SELECT {name}::VARCHAR FROM {train.ToSql()} WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT "
                + $"{most.ToString(CultureInfo.InvariantCulture)}");
        return [.. rows.Select(row => (string)row[0]!)];
    }

    private bool MayBeMissing(DerivedFeature feature) =>
        !feature.IsBuiltIn || feature.Function is BuiltInFunctions.Ratio or BuiltInFunctions.Log
            || Inputs.Any(input => input.Optional && feature.Inputs.Contains(input.Name, StringComparer.Ordinal));
}

/// <summary>Where a slot of the feature vector comes from.</summary>
/// <param name="Column">The n-th number, or the n-th categorical column.</param>
/// <param name="Category">Of a categorical column: the category that the slot stands for; null: the slot is a number.</param>
internal readonly record struct SlotSource(int Column, int? Category = null);
