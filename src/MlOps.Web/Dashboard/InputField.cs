using System.Globalization;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Features;

namespace MlOps.Web.Dashboard;

/// <summary>A field of the form that asks a version for a prediction.</summary>
/// <param name="Name">The column.</param>
/// <param name="Kind">What it means.</param>
/// <param name="Optional">Whether it may stay empty.</param>
/// <param name="Choices">The values that the model knows; null: any number, time or text.</param>
/// <param name="Example">A value of the training rows, or between them.</param>
/// <param name="Range">In words, from the least to the greatest value of the training rows; null where there is none.</param>
public sealed record InputField(string Name, ColumnKind Kind, bool Optional, IReadOnlyList<string>? Choices, string? Example, string? Range)
{
    private const int MostChoices = 200;
    private const int MostOfAll = 1_000;
    private const long TicksPerMicrosecond = TimeSpan.TicksPerMillisecond / 1000;

    /// <summary>The fields of a form. Where there are very many values to choose from, they are written and not chosen: a page has its size.</summary>
    internal static IReadOnlyList<InputField> Of(IReadOnlyList<FeatureInput> inputs)
    {
        var choices = inputs.Sum(input => input.Categories?.Count <= MostChoices ? input.Categories.Count : 0);
        return [.. inputs.Select(input => Of(input, choices <= MostOfAll))];
    }

    private static InputField Of(FeatureInput input, bool choose)
    {
        var choices = input.Kind == ColumnKind.Boolean ? ["true", "false"] : choose && input.Categories is { Count: <= MostChoices } known ? known : null;
        return new InputField(
            input.Name, input.Kind, input.Optional, choices, (choices ?? input.Categories) is [var first, ..] ? first : ExampleOf(input),
            input.Range is { } range ? $"{Text(input, range.Min)} to {Text(input, range.Max)}" : null);
    }

    private static string? ExampleOf(FeatureInput input) => input.Imputed
        ?? (input.Range is not { } range ? null : Text(input, WholeNumbers(range) ? Math.Round((range.Min + range.Max) / 2) : (range.Min + range.Max) / 2));

    private static bool WholeNumbers(ValueRange range) => range.Min == Math.Floor(range.Min) && range.Max == Math.Floor(range.Max);

    /// <summary>Times are counted in microseconds.</summary>
    private static string Text(FeatureInput input, double value) => input.Kind == ColumnKind.Datetime
        ? DateTime.UnixEpoch.AddTicks((long)value * TicksPerMicrosecond).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)
        : value.ToString("G6", CultureInfo.InvariantCulture);
}
