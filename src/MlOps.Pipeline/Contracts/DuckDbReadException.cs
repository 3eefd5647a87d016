using DuckDB.NET.Native;

namespace MlOps.Pipeline.Contracts;

/// <summary>A query whose rows are read chunk by chunk failed; the library's own exception cannot be made here.</summary>
internal sealed class DuckDbReadException(string message, DuckDBErrorType kind) : InvalidOperationException(message)
{
    public DuckDBErrorType Kind => kind;
}
