using DuckDB.NET.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Features;

/// <summary>What features bring to SQL: their computations, and the reading of cells.</summary>
public sealed class FeatureSqlFunctions : IDuckFunctions
{
    public void Register(DuckDBConnection connection)
    {
        FeatureFunctions.Register(connection);
        CellSql.Register(connection);
    }
}
