using DuckDB.NET.Data;
using MlOps.Pipeline.Models;

namespace MlOps.Pipeline.Data.Duck;

/// <summary>Opens DuckDB sessions within the host's limits of memory, threads and disk.</summary>
public sealed class DuckDb(PipelineOptions options)
{
    /// <summary>Opens an empty in-memory database of its own; what outgrows the memory limit spills to the work folder.</summary>
    internal DuckDbSession Open(CancellationToken cancel)
    {
        var spill = Path.Combine(options.WorkFolder, "spill", Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(spill);
        var connection = new DuckDBConnection("DataSource=:memory:");
        try
        {
            connection.Open();
            RowHash.Register(connection);
            UnitHash.Register(connection);
            FeatureFunctions.Register(connection);
            var session = new DuckDbSession(connection, spill, options.DuckDbMemoryMb, cancel);
            session.Execute($"SET memory_limit = '{Sql.Number((long)options.DuckDbMemoryMb)}MiB'");
            session.Execute($"SET threads = {Sql.Number((long)options.Threads)}");
            session.Execute($"SET temp_directory = {Sql.Text(spill)}");
            session.Execute("SET TimeZone = 'UTC'");
            session.Execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false");
            return session;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
