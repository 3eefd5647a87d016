using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>How a kind of value stands in JSON: how it is read, written and described.</summary>
internal abstract class Shape<T>
{
    /// <summary>Reads a member. False when it is absent, or wrong: then the reader has been told the problem.</summary>
    public abstract bool TryRead(JsonReader json, string key, [MaybeNullWhen(false)] out T value);

    public abstract JsonNode? Write(T value, Detail detail);

    /// <summary>Its JSON Schema; a new one each time, for the caller to build into a larger one.</summary>
    public abstract JsonObject Describe();
}

/// <summary>How much is written.</summary>
internal enum Detail
{
    /// <summary>Every key, defaults included.</summary>
    Full,
    /// <summary>What tells one value from another: keys that later releases added stand only where they are not the default.</summary>
    Identity,
}

/// <summary>The words that tables of keys are written in.</summary>
internal static class Shape
{
    public static TextShape Text(
        int shortest = 0, string? pattern = null, IEnumerable<string>? among = null, IEnumerable<string>? examples = null) =>
        new(shortest, pattern, among, examples);

    public static ScalarShape Scalar() => new();

    public static FlagShape Flag() => new();

    public static NumberShape Number(
        double min = double.NegativeInfinity, double max = double.PositiveInfinity, bool openMin = false, bool openMax = false) =>
        new(min, max, openMin, openMax);

    public static WholeShape<T> Whole<T>(T min, T max)
        where T : struct, System.Numerics.IBinaryInteger<T> => new(min, max);

    public static ChoiceShape<T> Choice<T>(IReadOnlyDictionary<string, T> names)
        where T : struct, Enum => new(names);

    public static SpanShape Span(TimeSpan least, TimeSpan most, string wanted) => new(least, most, wanted);

    public static PairShape Pair() => new();

    public static ListShape<T> List<T>(Shape<T> item, int fewest = 0, int most = int.MaxValue) => new(item, fewest, most);

    public static MapShape<T> Map<T>(Shape<T> value) => new(value);

    /// <param name="defaults">What a record is whose keys are all absent.</param>
    /// <param name="isBrief">Whether keys are written only where they are not the default.</param>
    public static ObjectShape<T> Object<T>(T defaults, bool isBrief = false)
        where T : class => new(defaults, isBrief, []);
}
