using System.Text.RegularExpressions;
using Azure;
using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Tracking;

/// <summary>A name that a person gave to a dataset version. What has a name is kept.</summary>
/// <param name="Name">The name, unique to its model.</param>
/// <param name="Version">The version.</param>
/// <param name="Movable">Whether it may be given to another version.</param>
/// <param name="By">Who gave it.</param>
/// <param name="At">When.</param>
public sealed record DataTag(string Name, string Version, bool Movable, string By, DateTimeOffset At);

/// <summary>Names of dataset versions, beside the rows of <see cref="DataLog"/>: <c>t|{name}</c>.</summary>
public sealed partial class DataTags(PipelineStorage storage, DefinitionStore definitions, TimeProvider time)
{
    private const string Prefix = "t|";
    private const string JsonColumn = "Json";

    /// <summary>What storage gives at once.</summary>
    private const int LargestPage = 1000;

    /// <summary>What a name may be, in words.</summary>
    public const string Rule =
        "1 to 63 lower-case letters, digits, dots, hyphens and underscores, with a letter or digit at both ends; not 'latest', not a number of a version such "
        + "as 'v3', and not six or more of the digits 0 to 9 and a to f alone, which would read as a version's id";

    public static bool IsValid(string name) => NamePattern.IsMatch(name) && !OtherMeaning.IsMatch(name);

    public async Task<DataTag?> FindAsync(string model, string name, CancellationToken cancel) => (await FindRowAsync(model, name, cancel)).Tag;

    /// <summary>The model's names, in their order.</summary>
    public async Task<IReadOnlyList<DataTag>> ListAsync(string model, CancellationToken cancel)
    {
        var found = new List<DataTag>();
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {model} and RowKey gt {Prefix} and RowKey lt {"t}"}");
        await foreach (var row in storage.DataVersions.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
        {
            found.Add(Read(row));
        }
        return found;
    }

    /// <summary>The model's names, in their order, a page at a time.</summary>
    /// <param name="model">The model.</param>
    /// <param name="take">At most so many.</param>
    /// <param name="next">What the page before said; null: the first page.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException"><paramref name="next"/> is no token of this list.</exception>
    public async Task<ListPage<DataTag>> ListAsync(string model, int take, string? next, CancellationToken cancel)
    {
        var after = next is null ? "" : PageToken.Read(next) is var name && IsValid(name) ? name : throw PageToken.NoToken(next);
        var found = new List<DataTag>();
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {model} and RowKey gt {Prefix + after} and RowKey lt {"t}"}");
        await foreach (var row in storage.DataVersions.QueryAsync<TableEntity>(filter, Math.Min(take + 1, LargestPage), cancellationToken: cancel))
        {
            if (found.Count == take)
            {
                return new ListPage<DataTag>(found, PageToken.Write(found[^1].Name));
            }
            found.Add(Read(row));
        }
        return new ListPage<DataTag>(found, Next: null);
    }

    /// <summary>Every name, of any model.</summary>
    public async IAsyncEnumerable<DataTag> ReadAllAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        var filter = TableClient.CreateQueryFilter($"RowKey gt {Prefix} and RowKey lt {"t}"}");
        await foreach (var row in storage.DataVersions.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
        {
            yield return Read(row);
        }
    }

    /// <summary>Gives a name to a version. The same again changes nothing.</summary>
    /// <returns>The version that had it before; null when it is new.</returns>
    /// <exception cref="InputException">It is no name, another version has it and it may not be moved, or the version is gone.</exception>
    public async Task<string?> SetAsync(string model, DataTag tag, CancellationToken cancel)
    {
        if (!IsValid(tag.Name))
        {
            throw new InputException($"The tag '{tag.Name}' must be {Rule}.");
        }
        // Before the name: what is claimed is not collected until the name is there to keep it.
        if (!await DatasetClaims.TryClaimWithParentsAsync(storage, tag.Version, cancel))
        {
            throw new InputException(DatasetClaims.Gone(tag.Version));
        }
        while (true)
        {
            var (row, before) = await FindRowAsync(model, tag.Name, cancel);
            if (before is not null && before.Version == tag.Version && before.Movable == tag.Movable)
            {
                return before.Version;
            }
            if (before is { Movable: false })
            {
                throw new InputException(
                    $"The tag '{tag.Name}' of model '{model}' was given to version {before.Version} for good. Give another name, or delete this one first.");
            }
            var changed = new TableEntity(model, Prefix + tag.Name) { [JsonColumn] = Json.Write(tag with { At = time.GetUtcNow() }) };
            var isWritten = row is null
                ? await storage.DataVersions.AddEntityAsync(changed, cancel).WinsAsync()
                : await TryMoveAsync(changed, row.ETag, cancel);
            if (isWritten)
            {
                return before?.Version;
            }
        }
    }

    /// <summary>False when the name was given to another version, or taken away, in the meantime.</summary>
    private async Task<bool> TryMoveAsync(TableEntity changed, ETag found, CancellationToken cancel)
    {
        try
        {
            return await storage.DataVersions.UpdateEntityAsync(changed, found, TableUpdateMode.Replace, cancel).WinsAsync();
        }
        catch (RequestFailedException gone) when (gone.Status == 404)
        {
            return false;
        }
    }

    /// <summary>Takes a name away; the version stays.</summary>
    /// <returns>The version that had it; null when there was no such name.</returns>
    /// <exception cref="InputException">The model's definition pins it.</exception>
    public async Task<string?> DeleteAsync(string model, string name, CancellationToken cancel)
    {
        if (await FindAsync(model, name, cancel) is not { } found)
        {
            return null;
        }
        // No other definition can: a definition names versions of its own model only.
        if ((await definitions.FindAsync(model, cancel))?.Data == name)
        {
            var others = found.Movable ? ", or give the tag to another version: it may be moved" : "";
            throw new InputException(
                $"The definition of model '{model}' pins data '{name}': without that tag no run of it would start for which nobody names a file. Change or "
                + $"leave out 'data' in the definition first (PUT /pipelines/{model}){others}.");
        }
        await storage.DataVersions.DeleteEntityAsync(model, Prefix + name, ETag.All, cancel);
        return found.Version;
    }

    private async Task<(TableEntity? Row, DataTag? Tag)> FindRowAsync(string model, string name, CancellationToken cancel)
    {
        if (!IsValid(name))
        {
            return (null, null);
        }
        var found = await storage.DataVersions.GetEntityIfExistsAsync<TableEntity>(model, Prefix + name, cancellationToken: cancel);
        return found is { HasValue: true, Value: { } row } ? (row, Read(row)) : (null, null);
    }

    private static DataTag Read(TableEntity row) => Json.Read<DataTag>(row.GetString(JsonColumn));

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?\z")]
    private static partial Regex NamePattern { get; }

    [GeneratedRegex(@"\A(latest|v[0-9]+|[0-9a-f]{6,32})\z")]
    private static partial Regex OtherMeaning { get; }
}
