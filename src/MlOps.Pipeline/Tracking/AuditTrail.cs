using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Tracking;

/// <summary>
/// Who decided what: promotions, rollbacks, approvals, definitions, keys, deletions. A row is written before anything is done, so that nothing is done
/// that stands nowhere; a host that dies in between leaves it as <see cref="AuditOutcome.Begun"/>: it may or may not have been done.
/// </summary>
public sealed class AuditTrail(PipelineStorage storage, TimeProvider time)
{
    private const string Partition = "audit";
    private const string JsonColumn = "Json";
    private const int LongestText = 1000;
    private const int LargestPage = 1000;

    /// <summary>Writes down what is about to be done.</summary>
    public async Task<AuditEntry> BeginAsync(string by, string action, string subject, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        // Newest first, as tables are read.
        var id = string.Create(CultureInfo.InvariantCulture, $"{DateTime.MaxValue.Ticks - now.UtcTicks:D19}-{Guid.NewGuid().ToString("N")[..8]}");
        var entry = new AuditEntry(id, now, Cut(by), action, Cut(subject), From: null, To: null, AuditOutcome.Begun, Detail: null);
        // No other entry has its id: one that is there already is this one, written by a request whose answer was lost.
        await storage.Audit.UpsertEntityAsync(Row(entry), TableUpdateMode.Replace, cancel);
        return entry;
    }

    /// <summary>Writes down how it ended.</summary>
    public Task EndAsync(AuditEntry entry, CancellationToken cancel) => storage.Audit.UpsertEntityAsync(
        Row(entry with { From = Cut(entry.From), To = Cut(entry.To), Detail = Cut(entry.Detail) }), TableUpdateMode.Replace, cancel);

    /// <summary>Does something between the two, for callers who learn of a refusal by an exception.</summary>
    /// <param name="by">Who.</param>
    /// <param name="action">What, in a word.</param>
    /// <param name="subject">Of what, such as <c>models/taxi-fare</c>.</param>
    /// <param name="act">Does it, and gives what was changed from what to what.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task RecordAsync(string by, string action, string subject, Func<Task<(string? From, string? To)>> act, CancellationToken cancel)
    {
        var entry = await BeginAsync(by, action, subject, cancel);
        try
        {
            var (from, to) = await act();
            await EndAsync(entry with { Outcome = AuditOutcome.Done, From = from, To = to }, CancellationToken.None);
        }
        catch (InputException refused)
        {
            await EndAsync(entry with { Outcome = AuditOutcome.Refused, Detail = refused.Message }, CancellationToken.None);
            throw;
        }
        catch (Exception fault)
        {
            await EndAsync(entry with { Outcome = AuditOutcome.Failed, Detail = FaultText.Of(fault) }, CancellationToken.None);
            throw;
        }
    }

    /// <summary>Entries, newest first.</summary>
    /// <exception cref="InputException"><paramref name="next"/> is no token of this list.</exception>
    public async Task<ListPage<AuditEntry>> ListAsync(int take, string? next, CancellationToken cancel)
    {
        var after = next is null ? "" : PlaceOf(next);
        var found = new List<AuditEntry>();
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {Partition} and RowKey gt {after}");
        await foreach (var row in storage.Audit.QueryAsync<TableEntity>(filter, (int)Math.Min(take + 1L, LargestPage), cancellationToken: cancel))
        {
            if (found.Count == take)
            {
                return new ListPage<AuditEntry>(found, PageToken.Write(found[^1].Id));
            }
            found.Add(Json.Read<AuditEntry>(row.GetString(JsonColumn)));
        }
        return new ListPage<AuditEntry>(found, Next: null);
    }

    private static string PlaceOf(string next) =>
        PageToken.Read(next) is var id && id.Split('-') is [{ Length: 19 } time, { Length: 8 }] && time.All(char.IsAsciiDigit)
            ? id
            : throw PageToken.NoToken(next);

    private static TableEntity Row(AuditEntry entry) => new(Partition, entry.Id) { [JsonColumn] = Json.Write(entry) };

    [return: NotNullIfNotNull(nameof(text))]
    private static string? Cut(string? text) => text is { Length: > LongestText } ? text[..LongestText] : text;
}

/// <summary>One decision.</summary>
/// <param name="Id">Its place in the trail.</param>
/// <param name="At">When it was begun, in UTC.</param>
/// <param name="By">Who: a key's name, a person's or app's name of Entra ID, <c>local</c>, or who ran a command.</param>
/// <param name="Action">What, such as <c>rollback</c>.</param>
/// <param name="Subject">Of what, such as <c>models/taxi-fare</c>.</param>
/// <param name="From">What was before; null where nothing was, or it is not a change from one to another.</param>
/// <param name="To">What is now.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Detail">Why it was refused.</param>
public sealed record AuditEntry(
    string Id, DateTimeOffset At, string By, string Action, string Subject, string? From, string? To, AuditOutcome Outcome, string? Detail);

/// <summary>How a decision ended.</summary>
public enum AuditOutcome
{
    /// <summary>It has not, or its host died: it may have been done.</summary>
    Begun,
    Done,
    /// <summary>Nothing was changed.</summary>
    Refused,
    /// <summary>A fault in between: it may have been done.</summary>
    Failed,
}
