using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Features;

/// <summary>Computed features as SQL: calls of <see cref="FeatureFunctions"/>.</summary>
internal static class FeatureSql
{
    /// <summary>Views that are stored call functions of one input with a second one, which is ignored.</summary>
    private const int FewestParameters = 2;

    public static string Of(DerivedFeature feature, IReadOnlyDictionary<string, StorageType> types)
    {
        var inputs = feature.Inputs.Select(input => NumberSql(input, types[input]))
            .Concat(Enumerable.Repeat("0::DOUBLE", ParametersOf(feature.Inputs.Count) - feature.Inputs.Count));
        var name = NameOf(feature.Function, feature.Version);
        return $"{(feature.IsBuiltIn ? name : Sql.Name(name))}({string.Join(", ", inputs)})";
    }

    /// <summary>A view that is stored is never computed by another version than the one it was defined with.</summary>
    /// <param name="function">The function's name.</param>
    /// <param name="version">Its version; null when it is built in.</param>
    public static string NameOf(string function, string? version) =>
        $"feature_{function.ToLowerInvariant()}{(version is null ? "" : $"@{version}")}";

    public static int ParametersOf(int inputs) => Math.Max(inputs, FewestParameters);

    /// <summary>A column as a DOUBLE: datetimes as microseconds since 1970.</summary>
    private static string NumberSql(string column, StorageType type) =>
        type == StorageType.Timestamp ? $"epoch_us({Sql.Name(column)})::DOUBLE" : $"{Sql.Name(column)}::DOUBLE";
}
