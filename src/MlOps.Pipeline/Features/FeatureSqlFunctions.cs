using DuckDB.NET.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Features;

/// <summary>What features bring to SQL: their computations, and the reading of a caller's datetime.</summary>
public sealed class FeatureSqlFunctions : IDuckFunctions
{
    public void Register(DuckDBConnection connection)
    {
        FeatureFunctions.Register(connection);
        InputTime.Register(connection);
    }
}
