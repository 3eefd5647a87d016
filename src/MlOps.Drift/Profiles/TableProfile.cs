
namespace MlOps.Drift.Profiles;

/// <summary>The profiles of the columns that a model learns from and predicts.</summary>
public sealed record TableProfile(IReadOnlyDictionary<string, ColumnProfile> Columns);
