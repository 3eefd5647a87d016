using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Azure;
using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Web.Access;

/// <summary>The keys in storage: of each its name, role and hash, and never itself.</summary>
public sealed partial class AccessKeyStore(PipelineStorage storage, TimeProvider time)
{
    /// <summary>Wherever a key's name is asked for.</summary>
    public const string NameRule = "1 to 64 letters, digits, dots, hyphens, underscores, blanks and @";

    private const string Partition = "key";

    /// <summary>No id begins so.</summary>
    private const string NamePrefix = "name:";

    private const string NameColumn = "Name";
    private const string RoleColumn = "Role";
    private const string HashColumn = "Hash";
    private const string CreatedColumn = "Created";
    private const string LastUsedColumn = "LastUsed";

    /// <summary>Makes a key. This is the only time that it can be seen.</summary>
    /// <exception cref="InputException">The name is none, or another key has it.</exception>
    public async Task<(AccessKey Key, string Text)> AddAsync(string name, RouteRole role, CancellationToken cancel)
    {
        if (!Name().IsMatch(name))
        {
            throw new InputException($"The name of a key must be {NameRule}.");
        }
        if ((await ListAsync(cancel)).Any(other => other.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
        {
            throw NameIsTaken(name);
        }
        var (id, text) = AccessKeyText.Make();
        var key = new AccessKey(id, name, role, time.GetUtcNow(), LastUsed: null);
        var row = new TableEntity(Partition, id)
        {
            [NameColumn] = name,
            [RoleColumn] = role.ToString(),
            [HashColumn] = AccessKeyText.Hash(text),
            [CreatedColumn] = key.Created,
        };
        // The name's own row goes in with it, so that of two who take a name at the same moment one gets it.
        var isNew = await storage.Keys.SubmitTransactionAsync(
            [new(TableTransactionActionType.Add, row), new(TableTransactionActionType.Add, new TableEntity(Partition, RowOf(name)))], cancel).WinsAsync();
        return isNew ? (key, text) : throw NameIsTaken(name);
    }

    /// <summary>All keys, by name.</summary>
    public async Task<IReadOnlyList<AccessKey>> ListAsync(CancellationToken cancel)
    {
        var keys = new List<AccessKey>();
        await foreach (var row in storage.Keys.QueryAsync<TableEntity>(row => row.PartitionKey == Partition, cancellationToken: cancel))
        {
            if (!IsName(row.RowKey))
            {
                keys.Add(Read(row));
            }
        }
        return [.. keys.OrderBy(key => key.Name, StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>Ends a key, by its name or id. Hosts that have just seen it take it for some seconds more (<see cref="KeyRing.FreshFor"/>).</summary>
    /// <returns>The key; null when there is none.</returns>
    public async Task<AccessKey?> RevokeAsync(string nameOrId, CancellationToken cancel)
    {
        var key = (await ListAsync(cancel))
            .FirstOrDefault(key => key.Id == nameOrId || key.Name.Equals(nameOrId, StringComparison.OrdinalIgnoreCase));
        if (key is not null)
        {
            List<TableTransactionAction> rows = [new(TableTransactionActionType.Delete, new TableEntity(Partition, key.Id), ETag.All)];
            var name = new TableEntity(Partition, RowOf(key.Name));
            // Keys of earlier releases have none.
            if ((await storage.Keys.GetEntityIfExistsAsync<TableEntity>(Partition, name.RowKey, cancellationToken: cancel)).HasValue)
            {
                rows.Add(new(TableTransactionActionType.Delete, name, ETag.All));
            }
            await storage.Keys.SubmitTransactionAsync(rows, cancel).OrNullAsync();
        }
        return key;
    }

    internal async Task<StoredKey?> FindAsync(string id, CancellationToken cancel)
    {
        var row = await storage.Keys.GetEntityIfExistsAsync<TableEntity>(Partition, id, cancellationToken: cancel);
        return row is { HasValue: true, Value: { } found } ? new StoredKey(Read(found), found.GetBinary(HashColumn)) : null;
    }

    /// <summary>Notes that a key was used.</summary>
    internal async Task MarkUsedAsync(string id, CancellationToken cancel)
    {
        try
        {
            await storage.Keys.UpdateEntityAsync(
                new TableEntity(Partition, id) { [LastUsedColumn] = time.GetUtcNow() }, ETag.All, TableUpdateMode.Merge, cancel);
        }
        catch (RequestFailedException gone) when (gone.Status == 404)
        {
            // Revoked in between.
        }
    }

    private static InputException NameIsTaken(string name) =>
        new($"There is a key named '{name}' already. Revoke it first, or take another name: the audit trail tells who did what by it.");

    private static string RowOf(string name) => NamePrefix + name.ToUpperInvariant();

    private static bool IsName(string row) => row.StartsWith(NamePrefix, StringComparison.Ordinal);

    private static AccessKey Read(TableEntity row) => new(
        row.RowKey, row.GetString(NameColumn), Enum.Parse<RouteRole>(row.GetString(RoleColumn)), row.GetDateTimeOffset(CreatedColumn)!.Value,
        row.GetDateTimeOffset(LastUsedColumn));

    [GeneratedRegex(@"^[\p{L}\p{Nd}._@-]([\p{L}\p{Nd}._@ -]{0,62}[\p{L}\p{Nd}._@-])?$")]
    private static partial Regex Name();
}

/// <param name="Key">The key.</param>
/// <param name="Hash">SHA-256 of its text.</param>
internal sealed record StoredKey(AccessKey Key, byte[] Hash)
{
    /// <summary>Who comes with it.</summary>
    public Bearer Bearer { get; } = new(Key.Name, Key.Role, Key.Id);

    /// <summary>Takes the same time wherever the two differ.</summary>
    public bool IsOf(ReadOnlySpan<byte> hash) => CryptographicOperations.FixedTimeEquals(hash, Hash);
}
