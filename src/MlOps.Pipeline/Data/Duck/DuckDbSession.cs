using DuckDB.NET.Data;
using DuckDB.NET.Native;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Data.Duck;

/// <summary>One DuckDB connection with temporary tables of its own. Not for use from several threads at once.</summary>
internal sealed class DuckDbSession(DuckDBConnection connection, CancellationToken cancel) : IDisposable
{
    /// <exception cref="DuckDBException">The statement failed.</exception>
    public void Execute(string sql) => Run(sql, command => command.ExecuteNonQuery());

    /// <summary>A third of DuckDB's default: threads share the groups more evenly, and the memory of one serves for the next.</summary>
    private const int RowsPerGroup = 40_960;

    /// <summary>Writes a query's rows to a Parquet file, in order, and returns their number.</summary>
    public long Copy(string query, string path, string compression = "snappy") =>
        Run($"COPY ({query}) TO {Sql.Text(path)} (FORMAT parquet, COMPRESSION {compression}, ROW_GROUP_SIZE {RowsPerGroup})",
            command => (long)command.ExecuteNonQuery());

    /// <summary>Adds rows to a table; they are in it when what is returned is disposed of.</summary>
    public DuckDB.NET.Data.DuckDBAppender Append(string table) => connection.CreateAppender(table);

    /// <summary>The number in the first cell of the first row.</summary>
    public long Count(string sql) => Run(sql, command => Convert.ToInt64(command.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>The first cell of the first row, or null.</summary>
    public object? Scalar(string sql) => Run(sql, command => command.ExecuteScalar() is { } value and not DBNull ? value : null);

    /// <summary>All rows of a small result; nulls are null.</summary>
    public IReadOnlyList<object?[]> Rows(string sql) => Run(sql, command =>
    {
        using var reader = command.ExecuteReader();
        var rows = new List<object?[]>();
        while (reader.Read())
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i);
            }
            rows.Add(row);
        }
        return rows;
    });

    /// <summary>Reads a large result chunk by chunk, in order, holding only a few chunks in memory.</summary>
    /// <param name="sql">A query.</param>
    /// <param name="read">Called with the columns of each chunk and its row count; the vectors are valid only within the call.</param>
    public unsafe void Read(string sql, Action<DuckVector[], int> read)
    {
        cancel.ThrowIfCancellationRequested();
        if (NativeMethods.PreparedStatements.DuckDBPrepare(connection.NativeConnection, sql, out var statement) != DuckDBState.Success)
        {
            using (statement)
            {
                throw new DuckDbReadException(NativeMethods.PreparedStatements.DuckDBPrepareError(statement), DuckDBErrorType.Invalid);
            }
        }
        using (statement)
        {
            DuckDBResult result;
            var state = NativeMethods.PreparedStatements.DuckDBExecutePreparedStreaming(statement, out result);
            try
            {
                if (state != DuckDBState.Success)
                {
                    throw new DuckDbReadException(NativeMethods.Query.DuckDBResultError(ref result), NativeMethods.Query.DuckDBResultErrorType(ref result));
                }
                var columns = (int)NativeMethods.Query.DuckDBColumnCount(ref result);
                var vectors = new DuckVector[columns];
                while (true)
                {
                    cancel.ThrowIfCancellationRequested();
                    using var chunk = NativeMethods.Query.DuckDBFetchChunk(result);
                    if (chunk.IsInvalid)
                    {
                        break;
                    }
                    for (var i = 0; i < columns; i++)
                    {
                        var vector = NativeMethods.DataChunks.DuckDBDataChunkGetVector(chunk, i);
                        vectors[i] = new DuckVector(NativeMethods.Vectors.DuckDBVectorGetData(vector), NativeMethods.Vectors.DuckDBVectorGetValidity(vector));
                    }
                    read(vectors, (int)NativeMethods.DataChunks.DuckDBDataChunkGetSize(chunk));
                }
                var error = NativeMethods.Query.DuckDBResultError(ref result);
                if (!string.IsNullOrEmpty(error))
                {
                    throw new DuckDbReadException(error, NativeMethods.Query.DuckDBResultErrorType(ref result));
                }
            }
            finally
            {
                result.Close();
            }
        }
    }

    public void Dispose() => connection.Dispose();

    private T Run<T>(string sql, Func<DuckDBCommand, T> run)
    {
        cancel.ThrowIfCancellationRequested();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var interrupt = cancel.Register(command.Cancel);
        try
        {
            return run(command);
        }
        catch (Exception interrupted) when (cancel.IsCancellationRequested && interrupted is not OperationCanceledException)
        {
            throw new OperationCanceledException("The query was cancelled.", interrupted, cancel);
        }
    }
}
