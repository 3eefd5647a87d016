using System.Runtime.CompilerServices;
using Azure.Data.Tables;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Doctor;

/// <summary>
/// What Durable Functions' Azure Storage provider keeps of runs' orchestrations: a task hub has a table <c>{hub}Instances</c>, a row an instance, whose
/// partition is the instance's id: the run's. It is the provider's table, and only read here.
/// </summary>
public sealed class TaskHubs
{
    /// <summary>The hub's name in <c>host.json</c>.</summary>
    public const string DefaultName = "MlOps";

    /// <summary>The orchestration that is a run.</summary>
    public const string Orchestration = "TrainModel";

    private const string InstancesSuffix = "Instances";
    private const string HistorySuffix = "History";
    private const string Status = "RuntimeStatus";

    private static readonly string IsOfRun = TableClient.CreateQueryFilter($"Name eq {Orchestration}");
    private static readonly string[] Columns = ["PartitionKey", "RowKey", "Timestamp", Status];
    private static readonly string[] EndedStates = ["Completed", "Failed", "Terminated", "Canceled"];

    private readonly IReadOnlyList<TableClient> instances;

    private TaskHubs(IReadOnlyList<TableClient> instances) => this.instances = instances;

    /// <summary>Whether the account has a hub in which runs are, or would be: without one there is no Functions app here, nor has there been.</summary>
    public bool Any => instances.Count > 0;

    /// <summary>The hubs that are ours: the one of <see cref="DefaultName"/>, and whichever has a run. An account may have those of other apps.</summary>
    public static async Task<TaskHubs> FindAsync(PipelineStorage storage, CancellationToken cancel)
    {
        var tables = await storage.ListTablesAsync(cancel).ToDictionaryAsync(table => table.Name, StringComparer.OrdinalIgnoreCase, cancel);
        var ours = new List<TableClient>();
        foreach (var table in tables.Values.Where(table => table.Name.EndsWith(InstancesSuffix, StringComparison.Ordinal)))
        {
            var hub = table.Name[..^InstancesSuffix.Length];
            if (tables.ContainsKey(hub + HistorySuffix) && (hub == DefaultName || await HasRunAsync(table, cancel)))
            {
                ours.Add(table);
            }
        }
        return new TaskHubs(ours);
    }

    /// <summary>The instances of runs that have not ended, whatever their runs are.</summary>
    public async IAsyncEnumerable<RunInstance> ReadUnendedAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        var unended = string.Join(" and ", EndedStates.Select(state => TableClient.CreateQueryFilter($"RuntimeStatus ne {state}")).Prepend(IsOfRun));
        foreach (var table in instances)
        {
            await foreach (var row in table.QueryAsync<TableEntity>(unended, select: Columns, cancellationToken: cancel))
            {
                yield return Read(row);
            }
        }
    }

    /// <summary>A run's instance as it is now: one that has not ended, if there is such a one in any hub. Null: there is none.</summary>
    public async Task<RunInstance?> FindAsync(string runId, CancellationToken cancel)
    {
        RunInstance? found = null;
        foreach (var table in instances)
        {
            var row = await table.GetEntityIfExistsAsync<TableEntity>(runId, "", Columns, cancel);
            found = row.HasValue && found is not { HasEnded: false } ? Read(row.Value!) : found;
        }
        return found;
    }

    private static RunInstance Read(TableEntity row)
    {
        var state = row.GetString(Status) ?? "";
        return new RunInstance(row.PartitionKey, state, EndedStates.Contains(state), row.Timestamp ?? DateTimeOffset.MinValue);
    }

    private static async Task<bool> HasRunAsync(TableClient table, CancellationToken cancel) =>
        await table.QueryAsync<TableEntity>(IsOfRun, maxPerPage: 1, select: ["PartitionKey"], cancellationToken: cancel).AnyAsync(cancel);
}

/// <summary>The orchestration instance of a run.</summary>
/// <param name="RunId">The run, whether there is such a one or not.</param>
/// <param name="State">What Durable Functions says of it, such as <c>Running</c>.</param>
/// <param name="HasEnded">Whether nothing of it is to come.</param>
/// <param name="Changed">When it last went on.</param>
public sealed record RunInstance(string RunId, string State, bool HasEnded, DateTimeOffset Changed);
