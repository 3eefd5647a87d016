using System.Globalization;
using System.Text;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Features;

/// <summary>
/// Reads a JSON object of raw input columns into a model's row, imputing and computing features as in training. A text is read as the training
/// file's cells were; a number, true or false, or an ISO 8601 text says itself what it is.
/// </summary>
internal sealed class InputReader
{
    /// <summary>Nobody reads on, and each guess at what was meant takes time.</summary>
    private const int MostProblems = 100;

    private readonly Featurizer featurizer;
    private readonly Dictionary<string, int> inputs;
    private readonly CellReader[] cells;
    private readonly CategoryCodes?[] categories;
    private readonly (IFeatureFunction Function, int[] Inputs)[] derivedFrom;

    /// <summary>Names in UTF-8, and which input stood where in a row a moment ago: rows of a caller have their members in the same order.</summary>
    private readonly byte[][] names;
    private readonly int[] order;

    private readonly int features;
    private readonly int coded;

    /// <exception cref="InputException">A feature's function is not among them.</exception>
    public InputReader(Featurizer featurizer, FeatureFunctions functions)
    {
        this.featurizer = featurizer;
        inputs = featurizer.Inputs.Select((input, i) => (input.Name, i)).ToDictionary(pair => pair.Name, pair => pair.i, StringComparer.Ordinal);
        cells = [.. featurizer.Inputs.Select(input => new CellReader(input.Type, input.Cells))];
        categories = [.. featurizer.Inputs.Select(input => input.Categories is { } known ? new CategoryCodes(known) : null)];
        names = [.. featurizer.Inputs.Select(input => Encoding.UTF8.GetBytes(input.Name))];
        order = [.. Enumerable.Range(0, names.Length)];
        coded = featurizer.Inputs.Count(input => input.Categories is not null);
        features = featurizer.Inputs.Count(input => input.Categories is null && input.Kind != ColumnKind.Datetime) + featurizer.Derived.Count;
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
        List<string>? unseen = null, outOfRange = null;
        var place = 0;
        foreach (var member in json.EnumerateObject())
        {
            if (problems.Count >= MostProblems)
            {
                break;
            }
            if (!TryFind(member, place++, out var i))
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
                if (ReadCell(i, member.Value, prefix, problems, numbers, codes))
                {
                    Note(i, numbers[i], codes[i], ref unseen, ref outOfRange);
                }
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
        return Compose(numbers, codes) with { Unseen = unseen, OutOfRange = outOfRange };
    }

    /// <summary>Other threads may read other rows: what they learn of the order is a guess, never more.</summary>
    private bool TryFind(JsonProperty member, int place, out int input)
    {
        if (place < order.Length && order[place] is var guess && member.NameEquals(names[guess]))
        {
            input = guess;
            return true;
        }
        if (!inputs.TryGetValue(member.Name, out input))
        {
            return false;
        }
        if (place < order.Length)
        {
            order[place] = input;
        }
        return true;
    }

    private void Note(int i, double number, int code, ref List<string>? unseen, ref List<string>? outOfRange)
    {
        var input = featurizer.Inputs[i];
        if (input.Categories is not null)
        {
            if (code < 0)
            {
                (unseen ??= []).Add(input.Name);
            }
        }
        else if (input.Range is { } range && !range.Contains(number))
        {
            (outOfRange ??= []).Add(input.Name);
        }
    }

    private FeatureRow Compose(double[] numbers, int[] codes)
    {
        var (row, rowCodes) = (new float[features], new int[coded]);
        var (feature, code) = (0, 0);
        for (var i = 0; i < numbers.Length; i++)
        {
            if (featurizer.Inputs[i].Categories is not null)
            {
                rowCodes[code++] = codes[i];
            }
            else if (featurizer.Inputs[i].Kind != ColumnKind.Datetime)
            {
                row[feature++] = FeatureRow.ToFloat(numbers[i]);
            }
        }
        foreach (var (function, from) in derivedFrom)
        {
            row[feature++] = FeatureRow.ToFloat(FeatureFunctions.Evaluate(function, [.. from.Select(input => numbers[input])]));
        }
        return new FeatureRow(row, rowCodes);
    }

    /// <summary>True when the cell has a value; false when a missing one was filled in, or a problem was told.</summary>
    private bool ReadCell(int i, JsonElement value, string prefix, List<string> problems, double[] numbers, int[] codes)
    {
        var input = featurizer.Inputs[i];
        var state = value.ValueKind switch
        {
            JsonValueKind.Null => CellState.Missing,
            JsonValueKind.String => ReadText(i, input, value.GetString()!, numbers, codes),
            JsonValueKind.Number => ReadNumber(i, input, value, numbers, codes),
            JsonValueKind.True or JsonValueKind.False => ReadBoolean(i, input, value.GetBoolean(), numbers, codes),
            _ => CellState.Unreadable,
        };
        switch (state)
        {
            case CellState.Missing:
                Fill(i, $"feature '{input.Name}' is {MissingAs(value)}, and the model has no value to fill it with.", prefix, problems, numbers, codes);
                return false;
            case CellState.Unreadable:
                problems.Add($"{prefix}feature '{input.Name}' must be {Wanted(input)}, not {Shown(value)}.");
                return false;
            case CellState.Value when double.IsInfinity(numbers[i]):
                problems.Add($"{prefix}feature '{input.Name}' is too large for a number.");
                return false;
            default:
                return true;
        }
    }

    private static string MissingAs(JsonElement value) =>
        value.ValueKind == JsonValueKind.Null ? "null" : $"{Shown(value)}, which means missing in this column";

    private CellState ReadText(int i, FeatureInput input, string given, double[] numbers, int[] codes)
    {
        var text = Encoding.UTF8.GetBytes(given);
        switch (input.Kind)
        {
            case ColumnKind.Categorical:
                var state = cells[i].ReadText(text);
                codes[i] = state == CellState.Value ? categories[i]!.Of(given) : -1;
                return state;
            case ColumnKind.Boolean:
                var flagState = cells[i].ReadBoolean(text, out var flag);
                numbers[i] = flag ? 1 : 0;
                return flagState;
            case ColumnKind.Datetime:
                var timeState = cells[i].ReadTime(text, out var microseconds);
                numbers[i] = microseconds;
                return timeState;
            default:
                return cells[i].ReadNumber(text, out numbers[i]);
        }
    }

    private CellState ReadNumber(int i, FeatureInput input, JsonElement value, double[] numbers, int[] codes)
    {
        var number = value.GetDouble();
        if (cells[i].IsMissing(number) || (input.Kind == ColumnKind.Categorical && IsMissingText(i, value.GetRawText())))
        {
            return CellState.Missing;
        }
        switch (input.Kind)
        {
            case ColumnKind.Categorical:
                codes[i] = categories[i]!.Of(value.GetRawText(), number);
                return CellState.Value;
            case ColumnKind.Boolean when number is 0 or 1:
            case ColumnKind.Numeric:
                numbers[i] = number;
                return CellState.Value;
            default:
                return CellState.Unreadable;
        }
    }

    private bool IsMissingText(int i, string text) => cells[i].ReadText(Encoding.UTF8.GetBytes(text)) == CellState.Missing;

    private CellState ReadBoolean(int i, FeatureInput input, bool value, double[] numbers, int[] codes)
    {
        switch (input.Kind)
        {
            case ColumnKind.Categorical:
                codes[i] = categories[i]!.Of(value);
                return CellState.Value;
            case ColumnKind.Boolean:
                numbers[i] = value ? 1 : 0;
                return CellState.Value;
            default:
                return CellState.Unreadable;
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
        codes[i] = input.Imputed is { } category ? categories[i]?.Of(category) ?? -1 : -1;
        numbers[i] = input.Imputed is { } value ? ImputedNumber(input, value) : double.NaN;
    }

    private static double ImputedNumber(FeatureInput input, string value) => input.Kind switch
    {
        ColumnKind.Numeric => double.Parse(value, CultureInfo.InvariantCulture),
        ColumnKind.Boolean => bool.Parse(value) ? 1 : 0,
        ColumnKind.Datetime => TimeText.TryRead(Encoding.UTF8.GetBytes(value), DateOrder.Ymd, out var time) ? time : double.NaN,
        _ => double.NaN,
    };

    private static string Wanted(FeatureInput input) => input.Kind switch
    {
        ColumnKind.Categorical => "a text",
        ColumnKind.Boolean => "true or false",
        ColumnKind.Datetime => input.Cells?.Dates switch
        {
            DateOrder.Dmy => "a datetime such as \"2026-01-31T10:00:00\", or with the day first as in the training file, \"31.01.2026\"",
            DateOrder.Mdy => "a datetime such as \"2026-01-31T10:00:00\", or with the month first as in the training file, \"01/31/2026\"",
            _ => "a datetime such as \"2026-01-31T10:00:00\"",
        },
        _ => input.Cells?.Numbers is null or NumberFormat.Point
            ? "a number"
            : $"a number, or a text of one as in the training file, \"{DefinitionNames.Patterns.NameOf((CellPattern)input.Cells.Numbers)}\"",
    };

    private static string Shown(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 60 ? text : string.Concat(text.AsSpan(0, 60), "…");
    }
}
