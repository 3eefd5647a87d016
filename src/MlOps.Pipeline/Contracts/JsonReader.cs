using System.Globalization;
using System.Text.Json;

namespace MlOps.Pipeline.Contracts;

/// <summary>
/// Reads one JSON object key by key and collects every problem: wrong types, values out of range, and keys nobody asked for, with what
/// was probably meant.
/// </summary>
public sealed class JsonReader
{
    /// <summary>Nobody reads on, and each guess at what was meant takes time.</summary>
    private const int MostUnknown = 100;

    private readonly Dictionary<string, JsonElement> members = new(StringComparer.Ordinal);
    private readonly HashSet<string> known = new(StringComparer.Ordinal);
    private readonly string path;
    private readonly List<string> problems;
    private readonly bool isArray;

    public JsonReader(JsonElement json, string path, List<string> problems)
    {
        this.path = path;
        this.problems = problems;
        if (json.ValueKind != JsonValueKind.Object)
        {
            problems.Add($"{Name(path)} must be a JSON object, not {Describe(json)}.");
            return;
        }
        foreach (var member in json.EnumerateObject())
        {
            if (!members.TryAdd(member.Name, member.Value))
            {
                problems.Add($"{PathOf(member.Name)} is given twice.");
            }
        }
    }

    private JsonReader(IReadOnlyList<JsonElement> items, string path, List<string> problems)
    {
        this.path = path;
        this.problems = problems;
        isArray = true;
        members = items.Index().ToDictionary(item => $"[{item.Index}]", item => item.Item, StringComparer.Ordinal);
    }

    public string? Text(string key)
    {
        if (Take(key) is not { } value)
        {
            return null;
        }
        if (value.ValueKind == JsonValueKind.String)
        {
            return value.GetString();
        }
        problems.Add($"{PathOf(key)} must be a text, not {Describe(value)}.");
        return null;
    }

    public bool? Flag(string key)
    {
        if (Take(key) is not { } value)
        {
            return null;
        }
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return value.GetBoolean();
        }
        problems.Add($"{PathOf(key)} must be true or false, not {Describe(value)}.");
        return null;
    }

    public double? Number(string key, double min = double.NegativeInfinity, double max = double.PositiveInfinity, bool openMin = false, bool openMax = false)
    {
        if (Take(key) is not { } value)
        {
            return null;
        }
        if (value.ValueKind != JsonValueKind.Number)
        {
            problems.Add($"{PathOf(key)} must be a number, not {Describe(value)}.");
            return null;
        }
        var number = value.GetDouble();
        if (number < min || number > max || (openMin && number == min) || (openMax && number == max) || !double.IsFinite(number))
        {
            var range = string.Create(CultureInfo.InvariantCulture, $"{(openMin ? "above" : "at least")} {min} and {(openMax ? "below" : "at most")} {max}");
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{PathOf(key)} is {number}; it must be {range}."));
            return null;
        }
        return number;
    }

    public long? Integer(string key, long min, long max)
    {
        if (Number(key, min, max) is not { } number)
        {
            return null;
        }
        if (number == Math.Truncate(number))
        {
            return (long)number;
        }
        problems.Add($"{PathOf(key)} must be a whole number.");
        return null;
    }

    /// <summary>A time span as text, <c>d.hh:mm:ss</c>.</summary>
    /// <param name="key">The member.</param>
    /// <param name="isFine">Whether its length is one that may be.</param>
    /// <param name="wanted">What it must be, for the problem.</param>
    public TimeSpan? Span(string key, Func<TimeSpan, bool> isFine, string wanted)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }
        if (TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span) && isFine(span))
        {
            return span;
        }
        problems.Add($"{PathOf(key)} is '{text}'; it must be {wanted}.");
        return null;
    }

    public T? Choice<T>(string key, IReadOnlyDictionary<string, T> choices)
        where T : struct => Text(key) is { } text ? ChoiceOf(text, PathOf(key), choices) : null;

    /// <summary>The elements of an array; null when the key is absent or no array.</summary>
    public IReadOnlyList<JsonElement>? Items(string key)
    {
        if (Take(key) is not { } value)
        {
            return null;
        }
        if (value.ValueKind == JsonValueKind.Array)
        {
            return [.. value.EnumerateArray()];
        }
        problems.Add($"{PathOf(key)} must be an array, not {Describe(value)}.");
        return null;
    }

    /// <summary>A reader of the elements of an array, whose keys are <c>[0]</c>, <c>[1]</c> and so on; null when the key is absent or no array.</summary>
    public JsonReader? Elements(string key) => Items(key) is { } items ? new JsonReader(items, PathOf(key), problems) : null;

    /// <summary>Reads an object member with a reader of its own; null when absent.</summary>
    public T? Object<T>(string key, Func<JsonReader, T> read)
        where T : class => Take(key) is { } value ? read(new JsonReader(value, PathOf(key), problems)) : null;

    /// <summary>A member as it is. Null counts as absent, except in an array, where it has a place.</summary>
    public JsonElement? Take(string key)
    {
        known.Add(key);
        return members.TryGetValue(key, out var value) && (isArray || value.ValueKind != JsonValueKind.Null) ? value : null;
    }

    /// <summary>Every member, for objects whose keys are data.</summary>
    public IEnumerable<KeyValuePair<string, JsonElement>> TakeAll()
    {
        known.UnionWith(members.Keys);
        return members;
    }

    public void Problem(string key, string text) => problems.Add($"{PathOf(key)} {text}");

    /// <summary>Reports the keys that nobody asked for.</summary>
    public void RejectUnknown()
    {
        var unknown = members.Keys.Where(key => !known.Contains(key)).ToList();
        foreach (var key in unknown.Take(MostUnknown))
        {
            problems.Add($"{PathOf(key)} is not known{NearestName.Ending(key, known)}");
        }
        if (unknown.Count > MostUnknown)
        {
            problems.Add($"{(path.Length == 0 ? "" : $"{path}: ")}{unknown.Count - MostUnknown} more keys are not known.");
        }
    }

    public string PathOf(string key) => path.Length == 0 || isArray ? path + key : $"{path}.{key}";

    private T? ChoiceOf<T>(string text, string where, IReadOnlyDictionary<string, T> choices)
        where T : struct
    {
        if (choices.TryGetValue(text, out var choice))
        {
            return choice;
        }
        problems.Add($"{where} is '{text}'; it must be one of {string.Join(", ", choices.Keys.Select(Shown))}.");
        return null;
    }

    /// <summary>A choice that is a comma would be none among commas.</summary>
    private static string Shown(string choice) => choice.Any(char.IsLetterOrDigit) ? choice : $"'{choice}'";

    private static string Name(string path) => path.Length == 0 ? "The definition" : path;

    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        JsonValueKind.Array => "an array",
        JsonValueKind.Object => "an object",
        _ => "null",
    };
}
