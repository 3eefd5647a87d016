using System.Globalization;
using System.Text;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Features;

/// <summary>Finds the slot of a category: a text by itself, a number or boolean also by the category that is written for it.</summary>
internal sealed class CategoryCodes
{
    private readonly Dictionary<string, int> texts;
    private readonly Dictionary<string, int> trimmed = new(StringComparer.Ordinal);
    private readonly Dictionary<double, int> numbers;
    private readonly Dictionary<bool, int> flags;

    public CategoryCodes(IReadOnlyList<string> categories)
    {
        texts = categories.Select((category, code) => (category, code)).ToDictionary(pair => pair.category, pair => pair.code, StringComparer.Ordinal);
        foreach (var (category, code) in texts)
        {
            Put(trimmed, category.Trim(), code);
        }
        var values = ValuesOf(categories);
        numbers = values.Numbers.ToDictionary(number => number.Key, number => texts[number.Value]);
        flags = values.Flags.ToDictionary(flag => flag.Key, flag => texts[flag.Value]);
    }

    /// <summary>
    /// The categories that are a number or a boolean, by its value. Two of one value, such as the codes 1E3 and 1000, are found by their text alone.
    /// </summary>
    public static (IReadOnlyDictionary<double, string> Numbers, IReadOnlyDictionary<bool, string> Flags) ValuesOf(IEnumerable<string> categories)
    {
        var numbers = new Dictionary<double, List<string>>();
        var flags = new Dictionary<bool, List<string>>();
        foreach (var category in categories)
        {
            var text = Encoding.UTF8.GetBytes(category);
            if (NumberText.TryRead(text, NumberFormat.Point, out var number) && !DurationText.TryRead(text, out _))
            {
                AddTo(numbers, number, category);
            }
            else if (BooleanText.IsWord(text))
            {
                AddTo(flags, bool.Parse(category), category);
            }
        }
        return (Single(numbers), Single(flags));
    }

    /// <summary>The category's slot; negative when it has none. Blanks around a text count only where two categories differ in them.</summary>
    public int Of(string category) => texts.TryGetValue(category, out var code) ? code : trimmed.GetValueOrDefault(category.Trim(), -1);

    /// <param name="written">The number as the caller wrote it.</param>
    /// <param name="number">Its value: 1.0 is the category "1".</param>
    public int Of(string written, double number) =>
        texts.TryGetValue(written, out var code) || texts.TryGetValue(number.ToString("R", CultureInfo.InvariantCulture), out code)
            ? code
            : numbers.GetValueOrDefault(number, -1);

    /// <summary>true is the category "True".</summary>
    public int Of(bool flag) => flags.GetValueOrDefault(flag, -1);

    private static void AddTo<TKey>(Dictionary<TKey, List<string>> found, TKey value, string category)
        where TKey : notnull
    {
        if (!found.TryGetValue(value, out var same))
        {
            found[value] = same = [];
        }
        same.Add(category);
    }

    private static Dictionary<TKey, string> Single<TKey>(Dictionary<TKey, List<string>> found)
        where TKey : notnull => found.Where(value => value.Value.Count == 1).ToDictionary(value => value.Key, value => value.Value[0]);

    /// <summary>Two categories that differ in their blanks are found by their text alone.</summary>
    private static void Put<TKey>(Dictionary<TKey, int> codes, TKey key, int code)
        where TKey : notnull
    {
        if (!codes.TryAdd(key, code))
        {
            codes[key] = -1;
        }
    }
}
