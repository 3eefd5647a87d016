using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Features;

/// <summary>
/// The one implementation of every computed feature, built in or added by the host. DuckDB calls it for whole tables and the scorer for single
/// rows, so that training and serving cannot differ.
/// </summary>
public sealed class FeatureFunctions
{
    private readonly IReadOnlyDictionary<string, IFeatureFunction> added;
    private readonly IReadOnlyDictionary<string, IFeatureFunction> builtIn =
        BuiltInFunctions.All.ToDictionary(function => function.Name, StringComparer.Ordinal);

    /// <exception cref="InputException">A name is none, or is taken.</exception>
    public FeatureFunctions(IEnumerable<IFeatureFunction> added) =>
        this.added = ExtensionNames.Index(added, function => function.Name, "feature function", builtIn.Keys);

    /// <summary>Those that the host added.</summary>
    public IEnumerable<IFeatureFunction> Added => added.Values;

    /// <summary>The function of a feature, in the version that the feature was defined with.</summary>
    /// <exception cref="InputException">This process does not have it.</exception>
    public IFeatureFunction Of(DerivedFeature feature)
    {
        if (feature.IsBuiltIn)
        {
            return builtIn[feature.Function];
        }
        if (!added.TryGetValue(feature.Function, out var function))
        {
            throw new InputException(
                $"The feature '{feature.Name}' is computed by the function '{feature.Function}', which this host does not have: add it with AddMlOps.");
        }
        return function.Version == feature.Version
            ? function
            : throw new InputException(
                $"The feature '{feature.Name}' was computed by version {feature.Version} of the function '{feature.Function}', and this host has version "
                + $"{function.Version}: train the model anew, or run a host that has version {feature.Version}.");
    }

    /// <summary>Checks that this process can compute all of them.</summary>
    /// <exception cref="InputException">It cannot; every feature that it cannot compute is named.</exception>
    internal void Require(IEnumerable<DerivedFeature> features)
    {
        var problems = new List<string>();
        foreach (var feature in features)
        {
            try
            {
                Of(feature);
            }
            catch (InputException missing)
            {
                problems.AddRange(missing.Problems);
            }
        }
        if (problems.Count > 0)
        {
            throw new InputException(problems);
        }
    }

    /// <summary>The version that this process has of a function that a definition names; null when it has none.</summary>
    internal string? VersionOf(string function) => added.GetValueOrDefault(function)?.Version;

    /// <summary>A feature's value: finite, or NaN for missing.</summary>
    internal static double Evaluate(IFeatureFunction function, ReadOnlySpan<double> inputs)
    {
        var value = function.Evaluate(inputs);
        return double.IsFinite(value) ? value : double.NaN;
    }
}
