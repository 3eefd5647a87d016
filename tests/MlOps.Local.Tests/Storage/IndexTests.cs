using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using MlOps.Testing;

namespace MlOps.Local.Tests.Storage;

/// <summary>Embedded storage answers queries through ordered indexes; a list in memory, looked through to the end, says what is right.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class IndexTests(AzuriteFixture azurite)
{
    private static readonly string[] Keys =
        ["", "0", "00", "01", "1", "10", "2", "9", "A", "Z", "a", "a-b", "ab", "a|", "a|1", "a}", "b", "zz", "ä", "日本"];

    [Fact]
    public async Task Tables_answer_every_query_as_one_that_is_looked_through()
    {
        var seed = TestSize.Seed;
        var random = new Random(seed);
        var table = new TableClient(azurite.ConnectionString, $"index{Guid.NewGuid():N}");
        await table.CreateAsync();
        var there = new SortedDictionary<(string Partition, string Row), int>(Comparer<(string, string)>.Create((one, other) =>
            string.CompareOrdinal(one.Item1, other.Item1) is not 0 and var partition ? partition : string.CompareOrdinal(one.Item2, other.Item2)));
        for (var i = 0; i < 400; i++)
        {
            var key = (Partition: Any(random), Row: Any(random));
            switch (random.Next(10))
            {
                case < 5:
                    await table.UpsertEntityAsync(new TableEntity(key.Partition, key.Row) { ["N"] = i }, TableUpdateMode.Replace);
                    there[key] = i;
                    break;
                case 5:
                    await table.DeleteEntityAsync(key.Partition, key.Row);
                    there.Remove(key);
                    break;
                case 6:
                    await BatchAsync(table, there, key.Partition, random, i);
                    break;
                default:
                    await CompareAsync(table, there, random, seed);
                    break;
            }
        }
    }

    [Fact]
    public async Task Blobs_are_listed_as_those_that_are_looked_through()
    {
        var seed = TestSize.Seed;
        var random = new Random(seed);
        var container = new BlobContainerClient(azurite.ConnectionString, $"index-{Guid.NewGuid():N}");
        await container.CreateAsync();
        var there = new SortedSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 300; i++)
        {
            var name = string.Join('/', Enumerable.Range(0, random.Next(1, 4)).Select(_ => Keys[random.Next(1, Keys.Length)]));
            switch (random.Next(8))
            {
                case < 4:
                    await container.GetBlobClient(name).UploadAsync(BinaryData.FromString($"{i}"), overwrite: true);
                    there.Add(name);
                    break;
                case 4:
                    await container.DeleteBlobIfExistsAsync(name);
                    there.Remove(name);
                    break;
                default:
                    var prefix = random.Next(2) == 0 ? null : name[..random.Next(1, name.Length + 1)];
                    if (prefix is not null && char.IsHighSurrogate(prefix[^1]))
                    {
                        continue;
                    }
                    var expected = there.Where(other => prefix is null || other.StartsWith(prefix, StringComparison.Ordinal)).ToList();
                    var listed = new List<string>();
                    await foreach (var page in container.GetBlobsAsync(BlobTraits.None, BlobStates.None, prefix, default)
                        .AsPages(pageSizeHint: random.Next(1, 9)))
                    {
                        listed.AddRange(page.Values.Select(blob => blob.Name));
                    }
                    listed.Should().Equal(expected, "prefix {0}, seed {1}", prefix, seed);
                    var folders = await container.GetBlobsByHierarchyAsync(BlobTraits.None, BlobStates.None, "/", prefix, default).ToListAsync();
                    folders.Select(item => item.IsPrefix ? item.Prefix : item.Blob.Name).Should().BeEquivalentTo(
                        expected.Select(other => other.IndexOf('/', prefix?.Length ?? 0) is >= 0 and var slash ? other[..(slash + 1)] : other).Distinct(),
                        "prefix {0}, seed {1}", prefix, seed);
                    break;
            }
        }
    }

    private static async Task BatchAsync(
        TableClient table, SortedDictionary<(string Partition, string Row), int> there, string partition, Random random, int value)
    {
        var rows = Keys.OrderBy(_ => random.Next()).Take(4).ToList();
        // The last is refused where it is there already, and then none of them is written.
        TableTransactionAction[] actions =
        [
            .. rows[..3].Select(row => new TableTransactionAction(
                TableTransactionActionType.UpsertReplace, new TableEntity(partition, row) { ["N"] = value })),
            new(TableTransactionActionType.Add, new TableEntity(partition, rows[3]) { ["N"] = value }),
        ];
        var isRefused = there.ContainsKey((partition, rows[3]));
        var fault = await Record.ExceptionAsync(() => table.SubmitTransactionAsync(actions));
        (fault is not null).Should().Be(isRefused);
        foreach (var row in isRefused ? [] : rows)
        {
            there[(partition, row)] = value;
        }
    }

    private static async Task CompareAsync(TableClient table, SortedDictionary<(string Partition, string Row), int> there, Random random, int seed)
    {
        var (one, two, three) = (Any(random), Any(random), Any(random));
        (string? Filter, Func<(string Partition, string Row), bool> Matches)[] queries =
        [
            (null, _ => true),
            (TableClient.CreateQueryFilter($"PartitionKey eq {one}"), key => key.Partition == one),
            (TableClient.CreateQueryFilter($"RowKey eq {one}"), key => key.Row == one),
            (TableClient.CreateQueryFilter($"PartitionKey eq {one} and RowKey eq {two}"), key => key == (one, two)),
            (
                TableClient.CreateQueryFilter($"PartitionKey eq {one} and RowKey gt {two} and RowKey lt {three}"),
                key => key.Partition == one && string.CompareOrdinal(key.Row, two) > 0 && string.CompareOrdinal(key.Row, three) < 0
            ),
            (
                TableClient.CreateQueryFilter($"PartitionKey ge {one} and PartitionKey le {two} and RowKey ge {three}"),
                key => string.CompareOrdinal(key.Partition, one) >= 0 && string.CompareOrdinal(key.Partition, two) <= 0
                    && string.CompareOrdinal(key.Row, three) >= 0
            ),
            (
                TableClient.CreateQueryFilter($"PartitionKey eq {one} or RowKey lt {two}"),
                key => key.Partition == one || string.CompareOrdinal(key.Row, two) < 0
            ),
            (
                TableClient.CreateQueryFilter($"not (PartitionKey eq {one}) and RowKey ne {two}"),
                key => key.Partition != one && key.Row != two
            ),
        ];
        var (filter, matches) = queries[random.Next(queries.Length)];

        var found = new List<((string, string), int)>();
        await foreach (var entity in table.QueryAsync<TableEntity>(filter, maxPerPage: random.Next(1, 12)))
        {
            found.Add(((entity.PartitionKey, entity.RowKey), entity.GetInt32("N")!.Value));
        }

        found.Should().Equal(there.Where(row => matches(row.Key)).Select(row => (row.Key, row.Value)), "filter {0}, seed {1}", filter, seed);
        var point = await table.GetEntityIfExistsAsync<TableEntity>(one, two);
        (point.HasValue ? point.Value!.GetInt32("N") : null).Should().Be(there.TryGetValue((one, two), out var value) ? value : null, "seed {0}", seed);
    }

    private static string Any(Random random) => Keys[random.Next(Keys.Length)];
}
