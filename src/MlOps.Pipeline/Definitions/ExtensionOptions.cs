using System.Globalization;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions;

/// <summary>What a definition tells a trainer or a check of the host's own: names and values, which are kept as they are written.</summary>
/// <param name="values">The values by name.</param>
public sealed class ExtensionOptions(IReadOnlyDictionary<string, string> values)
{
    public static ExtensionOptions None { get; } = new(new Dictionary<string, string>());

    /// <summary>All that are given, by name.</summary>
    public IReadOnlyDictionary<string, string> Values => values;

    /// <summary>A value as text; null when it is not given.</summary>
    public string? Text(string name) => values.GetValueOrDefault(name);

    /// <summary>A value as a number; null when it is not given.</summary>
    /// <exception cref="InputException">It is no finite number.</exception>
    public double? Number(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? number
            : throw new InputException($"The option '{name}' is '{text}'; it must be a number.");
    }

    /// <summary>A value as a whole number; null when it is not given.</summary>
    /// <exception cref="InputException">It is no whole number within the range.</exception>
    public int? Whole(string name, int min = int.MinValue, int max = int.MaxValue)
    {
        if (Number(name) is not { } number)
        {
            return null;
        }
        return number == Math.Truncate(number) && number >= min && number <= max
            ? (int)number
            : throw new InputException($"The option '{name}' is {Text(name)}; it must be a whole number from {min} to {max}.");
    }
}
