using System.Globalization;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Features;

/// <summary>Reads a JSON object of raw input columns into a model's row, imputing and computing features as in training.</summary>
internal sealed class InputReader
{
    private readonly Featurizer featurizer;
    private readonly Dictionary<string, int> inputs;
    private readonly Dictionary<string, int>?[] categories;
    private readonly (IFeatureFunction Function, int[] Inputs)[] derivedFrom;

    /// <exception cref="InputException">A feature's function is not among them.</exception>
    public InputReader(Featurizer featurizer, FeatureFunctions functions)
    {
        this.featurizer = featurizer;
        inputs = featurizer.Inputs.Select((input, i) => (input.Name, i)).ToDictionary(pair => pair.Name, pair => pair.i, StringComparer.Ordinal);
        categories =
        [
            .. featurizer.Inputs.Select(input => input.Categories?.Select((category, code) => (category, code)).ToDictionary(
                pair => pair.category, pair => pair.code, StringComparer.Ordinal))
        ];
        functions.Require(featurizer.Derived);
        derivedFrom = [.. featurizer.Derived.Select(feature => (functions.Of(feature), feature.Inputs.Select(input => inputs[input]).ToArray()))];
    }

    /// <param name="json">The row.</param>
    /// <param name="prefix">What problems start with, such as <c>rows[3]: </c>.</param>
    /// <param name="problems">Takes every problem of the row.</param>
    public FeatureRow Read(JsonElement json, string prefix, List<string> problems)
    {
        var numbers = new double[featurizer.Inputs.Count];
        var codes = new int[featurizer.Inputs.Count];
        if (json.ValueKind != JsonValueKind.Object)
        {
            problems.Add($"{prefix}the features must be a JSON object of column names and values.");
            return new FeatureRow([], []);
        }
        var given = new bool[featurizer.Inputs.Count];
        foreach (var member in json.EnumerateObject())
        {
            if (!inputs.TryGetValue(member.Name, out var i))
            {
                problems.Add($"{prefix}feature '{member.Name}' is not known{NearestName.Ending(member.Name, inputs.Keys)}");
            }
            else if (given[i])
            {
                problems.Add($"{prefix}feature '{member.Name}' is given twice.");
            }
            else
            {
                given[i] = true;
                ReadCell(i, member.Value, prefix, problems, numbers, codes);
            }
        }
        for (var i = 0; i < given.Length; i++)
        {
            if (!given[i])
            {
                Fill(
                    i, $"feature '{featurizer.Inputs[i].Name}' ({DefinitionNames.Kinds.NameOf(featurizer.Inputs[i].Kind)}) is missing.", prefix, problems,
                    numbers, codes);
            }
        }
        return Compose(numbers, codes);
    }

    private FeatureRow Compose(double[] numbers, int[] codes)
    {
        var row = new List<float>(numbers.Length + featurizer.Derived.Count);
        var rowCodes = new List<int>();
        for (var i = 0; i < numbers.Length; i++)
        {
            if (featurizer.Inputs[i].Categories is not null)
            {
                rowCodes.Add(codes[i]);
            }
            else if (featurizer.Inputs[i].Kind != ColumnKind.Datetime)
            {
                row.Add(FeatureRow.ToFloat(numbers[i]));
            }
        }
        foreach (var (function, from) in derivedFrom)
        {
            row.Add(FeatureRow.ToFloat(FeatureFunctions.Evaluate(function, [.. from.Select(input => numbers[input])])));
        }
        return new FeatureRow([.. row], [.. rowCodes]);
    }

    private void ReadCell(int i, JsonElement value, string prefix, List<string> problems, double[] numbers, int[] codes)
    {
        var input = featurizer.Inputs[i];
        if (value.ValueKind == JsonValueKind.Null)
        {
            Fill(i, $"feature '{input.Name}' is null, and the model has no value to fill it with.", prefix, problems, numbers, codes);
            return;
        }
        var fits = input.Kind switch
        {
            ColumnKind.Categorical => value.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False,
            ColumnKind.Boolean => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            ColumnKind.Datetime => value.ValueKind == JsonValueKind.String && InputTime.TryRead(value.GetString()!, out numbers[i]),
            _ => value.ValueKind == JsonValueKind.Number,
        };
        if (!fits)
        {
            problems.Add($"{prefix}feature '{input.Name}' must be {Wanted(input.Kind)}, not {Shown(value)}.");
            return;
        }
        switch (input.Kind)
        {
            case ColumnKind.Categorical:
                var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
                codes[i] = categories[i]!.GetValueOrDefault(text, -1);
                break;
            case ColumnKind.Boolean:
                numbers[i] = value.GetBoolean() ? 1 : 0;
                break;
            case ColumnKind.Numeric:
                numbers[i] = value.GetDouble();
                if (!double.IsFinite(numbers[i]))
                {
                    problems.Add($"{prefix}feature '{input.Name}' is too large for a number.");
                }
                break;
            default:
                break;
        }
    }

    private void Fill(int i, string problem, string prefix, List<string> problems, double[] numbers, int[] codes)
    {
        var input = featurizer.Inputs[i];
        if (input is { Imputed: null, Optional: false })
        {
            problems.Add(prefix + problem);
            return;
        }
        codes[i] = input.Imputed is { } category && categories[i] is { } known ? known.GetValueOrDefault(category, -1) : -1;
        numbers[i] = input.Imputed is { } value ? ImputedNumber(input, value) : double.NaN;
    }

    private static double ImputedNumber(FeatureInput input, string value) => input.Kind switch
    {
        ColumnKind.Numeric => double.Parse(value, CultureInfo.InvariantCulture),
        ColumnKind.Boolean => bool.Parse(value) ? 1 : 0,
        ColumnKind.Datetime => InputTime.TryRead(value, out var time) ? time : double.NaN,
        _ => double.NaN,
    };

    private static string Wanted(ColumnKind kind) => kind switch
    {
        ColumnKind.Categorical => "a text",
        ColumnKind.Boolean => "true or false",
        ColumnKind.Datetime => "a datetime such as \"2026-01-31T10:00:00\"",
        _ => "a number",
    };

    private static string Shown(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 60 ? text : string.Concat(text.AsSpan(0, 60), "…");
    }
}
