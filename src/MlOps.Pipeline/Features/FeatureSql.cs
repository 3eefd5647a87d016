using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Features;

/// <summary>Computed features as SQL: calls of <see cref="FeatureFunctions"/>.</summary>
internal static class FeatureSql
{
    public static string Of(DerivedFeature feature, IReadOnlyDictionary<string, StorageType> types) =>
        $"{FeatureFunctions.SqlName(feature.Function)}({NumberSql(feature.A, types[feature.A])}, "
            + $"{(feature.B is { } b ? NumberSql(b, types[b]) : "0::DOUBLE")})";

    /// <summary>A column as a DOUBLE: datetimes as microseconds since 1970.</summary>
    private static string NumberSql(string column, StorageType type) =>
        type == StorageType.Timestamp ? $"epoch_us({Sql.Name(column)})::DOUBLE" : $"{Sql.Name(column)}::DOUBLE";
}
