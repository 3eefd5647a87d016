using DuckDB.NET.Data;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Data.Duck;

/// <summary>
/// Opens DuckDB sessions within the host's limits of memory, threads and disk. All but very wide tables share one in-memory database, whose
/// memory stays warm from stage to stage; what outgrows the limit spills to the work folder.
/// </summary>
public sealed class DuckDb(PipelineOptions options, IEnumerable<IDuckFunctions> functions) : IDisposable
{
    /// <summary>From this many columns on, a table gets a database of its own.</summary>
    private const int WideTable = 500;

    private readonly Lock opening = new();
    private DuckDBConnection? shared;

    /// <summary>Threads that a stage may use.</summary>
    internal int Threads => options.Threads;

    /// <param name="cancel">Interrupts the session's queries.</param>
    internal DuckDbSession Open(CancellationToken cancel) => Open(columns: 0, cancel);

    /// <param name="columns">Columns of the widest table to read or write.</param>
    /// <param name="cancel">Interrupts the session's queries.</param>
    internal DuckDbSession Open(int columns, CancellationToken cancel)
    {
        if (columns > WideTable)
        {
            return new DuckDbSession(Start(threads: 1, MemoryFor(columns)), cancel);
        }
        lock (opening)
        {
            shared ??= Start(options.Threads, options.DuckDbMemoryMb);
            var connection = shared.Duplicate();
            connection.Open();
            // A setting of each connection, which a duplicate takes from the machine.
            using var zone = connection.CreateCommand();
            zone.CommandText = "SET TimeZone = 'UTC'";
            zone.ExecuteNonQuery();
            return new DuckDbSession(connection, cancel);
        }
    }

    public void Dispose() => shared?.Dispose();

    /// <summary>Each thread buffers a chunk and a row group of every column: one thread works on a wide table, with memory for all of them.</summary>
    private int MemoryFor(int columns)
    {
        const double MegabytesPerColumn = 0.4;
        return Math.Max(options.DuckDbMemoryMb, (int)(columns * MegabytesPerColumn));
    }

    private DuckDBConnection Start(int threads, int memoryMb)
    {
        var spill = Path.Combine(options.WorkFolder, "spill");
        Directory.CreateDirectory(spill);
        var connection = new DuckDBConnection("DataSource=:memory:");
        try
        {
            connection.Open();
            RowHash.Register(connection);
            UnitHash.Register(connection);
            FirstRows.Register(connection);
            foreach (var more in functions)
            {
                more.Register(connection);
            }
            using var settings = connection.CreateCommand();
            settings.CommandText = $"""
                SET memory_limit = '{Sql.Number((long)memoryMb)}MiB';
                SET threads = {Sql.Number((long)threads)};
                SET temp_directory = {Sql.Text(spill)};
                SET TimeZone = 'UTC';
                SET autoinstall_known_extensions = false;
                SET autoload_known_extensions = false;
                """;
            settings.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
