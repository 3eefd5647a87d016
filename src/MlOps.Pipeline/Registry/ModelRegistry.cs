using System.Globalization;
using System.Runtime.CompilerServices;
using Azure;
using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Registry;

/// <summary>
/// The table-backed model registry. All rows of a model share one partition, so that a version number and its row, or an alias and its
/// history, change together in one transaction conditional on the head row's ETag: numbers have no gaps and no duplicates.
/// </summary>
public sealed class ModelRegistry(PipelineStorage storage, TimeProvider time)
{
    private const string HeadRow = "head";
    private const string RolledBack = "rolled back";
    private const int ReadAtOnce = 16;

    /// <summary>Versions deleted in one transaction: each takes four of its hundred changes, the head and the aliases some more.</summary>
    private const int DeletedAtOnce = 20;

    private readonly ModelIndex index = ModelIndex.OfVersions(storage);

    /// <summary>Registers a version with the next number and points alias <c>candidate</c> at it. The same run registers once: again, it gets the
    /// same version.</summary>
    public async Task<ModelVersion> RegisterAsync(ModelVersion version, CancellationToken cancel)
    {
        while (true)
        {
            var runRow = RunRow(version.RunId);
            if (await FindRowAsync(version.Model, runRow, cancel) is { } earlier)
            {
                return await GetAsync(version.Model, earlier.GetInt32("Version")!.Value, cancel);
            }
            var head = await ReadHeadAsync(version.Model, cancel);
            if (!head.HasVersions)
            {
                // The index first, so that no model is missing from it: killed in between, it names one that has no version, and is passed by.
                await index.AddAsync(version.Model, cancel);
            }
            var registered = version with { Version = head.Latest + 1, Created = time.GetUtcNow() };
            var actions = new List<TableTransactionAction>
            {
                Add(version.Model, VersionRow(registered.Version), "Json", Json.Write(registered)),
                Add(version.Model, runRow, "Version", registered.Version),
            };
            head.Latest = registered.Version;
            MoveAlias(head, actions, ModelAlias.Candidate, registered.Version, $"registered by run {version.RunId}");
            if (await TrySubmitAsync(head, actions, cancel))
            {
                return registered;
            }
        }
    }

    /// <summary>
    /// Notes the SHA-256 of a file that came to a version after it was registered. The first stays. False when there is no such version, or it has one.
    /// </summary>
    public async Task<bool> AddFileAsync(string model, int version, string file, string sha256, CancellationToken cancel)
    {
        while (true)
        {
            if (await FindRowAsync(model, VersionRow(version), cancel) is not { } row)
            {
                return false;
            }
            var registered = Stored.Read<ModelVersion>(row.GetString("Json"));
            // A version of a release that kept no hashes has none: one alone would say that the others are not to be checked.
            if (registered.Sha256 is not { } known || known.ContainsKey(file))
            {
                return false;
            }
            row["Json"] = Json.Write(registered with { Sha256 = new Dictionary<string, string>(known) { [file] = sha256 } });
            if (await storage.Models.UpdateEntityAsync(row, row.ETag, TableUpdateMode.Replace, cancel).WinsAsync())
            {
                return true;
            }
        }
    }

    /// <summary>
    /// Moves alias <c>production</c> from <paramref name="expectedProduction"/> to <paramref name="version"/> in one conditional write.
    /// Idempotent per run: once a run has promoted, the answer stays yes, even if production has moved on since.
    /// </summary>
    public async Task<PromotionResult> PromoteAsync(string model, int version, int? expectedProduction, string runId, CancellationToken cancel)
    {
        while (true)
        {
            if (await FindPromotionAsync(model, runId, cancel) is not null)
            {
                return new PromotionResult(Promoted: true, Conflict: false);
            }
            var head = await ReadHeadAsync(model, cancel);
            if (head.Production != expectedProduction)
            {
                return new PromotionResult(Promoted: false, Conflict: true);
            }
            var actions = new List<TableTransactionAction> { Add(model, PromotionRow(runId), "Json", Json.Write(new Promotion(version, head.Production))) };
            MoveAlias(head, actions, ModelAlias.Production, version, $"promoted by run {runId}");
            if (await TrySubmitAsync(head, actions, cancel))
            {
                return new PromotionResult(Promoted: true, Conflict: false);
            }
        }
    }

    /// <summary>The promotion that this run made before, or null.</summary>
    public async Task<Promotion?> FindPromotionAsync(string model, string runId, CancellationToken cancel) =>
        await FindRowAsync(model, PromotionRow(runId), cancel) is { } entity ? Json.Read<Promotion>(entity.GetString("Json")) : null;

    /// <summary>Points an alias at an existing version, whatever the gates say: a person's decision.</summary>
    /// <exception cref="InputException">There is no such version.</exception>
    public async Task<RegisteredModel> SetAliasAsync(string model, string alias, int version, string reason, CancellationToken cancel)
    {
        while (true)
        {
            if (await FindVersionAsync(model, version, cancel) is null)
            {
                throw new InputException($"Model '{model}' has no version {version}. GET /models/{model} lists its versions.");
            }
            var head = await ReadHeadAsync(model, cancel);
            var actions = new List<TableTransactionAction>();
            MoveAlias(head, actions, alias, version, reason);
            if (actions.Count == 0 || await TrySubmitAsync(head, actions, cancel))
            {
                return head.ToModel(model);
            }
        }
    }

    /// <summary>Changes how requests are shared out between versions, in one conditional write.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="change">Given the model as it is now, says what is to be; null: all to production. May be asked again when another writer was
    /// faster.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<RegisteredModel> ChangeTrafficAsync(string model, Func<RegisteredModel, Task<TrafficSplit?>> change, CancellationToken cancel)
    {
        while (true)
        {
            var head = await ReadHeadAsync(model, cancel);
            var present = head.ToModel(model);
            var wanted = await change(present);
            if (wanted?.Id == present.Traffic?.Id)
            {
                return present;
            }
            head.Traffic = wanted;
            if (await TrySubmitAsync(head, [], cancel))
            {
                return head.ToModel(model);
            }
        }
    }

    /// <summary>
    /// Points <c>production</c> back at the version that was in production before <paramref name="from"/>. The same again, or by somebody else who saw the
    /// same version, is answered as done: production goes back once.
    /// </summary>
    /// <param name="model">The model's name.</param>
    /// <param name="from">The version that is to leave production; null: whichever is there.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException">Another version than <paramref name="from"/> is in production, or there is nothing to go back to.</exception>
    public async Task<RegisteredModel> RollbackAsync(string model, int? from, CancellationToken cancel)
    {
        while (true)
        {
            var head = await ReadHeadAsync(model, cancel);
            // What production was at first is what the caller means: after a lost answer, or a faster writer, it may be another version.
            from ??= head.Production;
            if (head.Production != from)
            {
                return await IsRolledBackAsync(model, from, head.Production, cancel)
                    ? head.ToModel(model)
                    : throw new InputException(
                        $"Version {from} of model '{model}' is not in production{(head.Production is { } other ? $", version {other} is" : "")}. "
                            + $"GET /models/{model} says what moved it; name the version that is to leave production.");
            }
            if (head.Production is null || head.Trail.Count < 2)
            {
                throw new InputException(head.Production is null
                    ? $"Model '{model}' has no version in production, so there is nothing to roll back."
                    : $"Model '{model}' has no earlier production version to roll back to: version {head.Production} is the first.");
            }
            var actions = new List<TableTransactionAction>();
            head.Trail.RemoveAt(head.Trail.Count - 1);
            head.Aliases[ModelAlias.Production] = head.Trail[^1];
            head.Traffic = null;
            AddHistory(head, actions, new AliasChange(ModelAlias.Production, from, head.Trail[^1], RolledBack, time.GetUtcNow()));
            if (await TrySubmitAsync(head, actions, cancel))
            {
                return head.ToModel(model);
            }
        }
    }

    /// <summary>Takes an alias away; false when the model has none of that name. What it pointed at stays a version as before.</summary>
    public async Task<bool> RemoveAliasAsync(string model, string alias, string reason, CancellationToken cancel)
    {
        while (true)
        {
            var head = await ReadHeadAsync(model, cancel);
            if (!head.Aliases.Remove(alias, out var version))
            {
                return false;
            }
            if (alias == ModelAlias.Production && head.Trail.Count > 0)
            {
                // What somebody took out of production is nothing to go back to.
                head.Trail.RemoveAt(head.Trail.Count - 1);
            }
            head.Traffic = alias == ModelAlias.Production ? null : head.Traffic;
            var actions = new List<TableTransactionAction>();
            AddHistory(head, actions, new AliasChange(alias, version, To: null, reason, time.GetUtcNow()));
            if (await TrySubmitAsync(head, actions, cancel))
            {
                return true;
            }
        }
    }

    /// <summary>
    /// Deletes versions. Each leaves a small row that says there was one: its number is never given again, and what names it is not taken for damaged.
    /// The version, its run's promotion and its place in the trail of production go in one transaction, so that no rollback can lead to it.
    /// </summary>
    /// <param name="model">The model's name.</param>
    /// <param name="versions">Those to delete; what is deleted already is left alone.</param>
    /// <param name="allowedAliases">Aliases that go with what they point at.</param>
    /// <param name="reason">Why, for the history of those.</param>
    /// <param name="cancel">Stops between two transactions; the same again goes on.</param>
    /// <returns>
    /// Null when they are gone, else an alias that points at one of them and was not allowed to go, or <see cref="TrafficSplit.Name"/> where one answers
    /// requests.
    /// </returns>
    public async Task<(string Alias, int Version)?> DeleteVersionsAsync(
        string model, IEnumerable<int> versions, IReadOnlyCollection<string> allowedAliases, string reason, CancellationToken cancel)
    {
        foreach (var some in versions.Distinct().Order().Chunk(DeletedAtOnce))
        {
            if (await DeleteSomeAsync(model, some, allowedAliases, reason, cancel) is { } serving)
            {
                return serving;
            }
        }
        return null;
    }

    private async Task<(string Alias, int Version)?> DeleteSomeAsync(
        string model, int[] versions, IReadOnlyCollection<string> allowedAliases, string reason, CancellationToken cancel)
    {
        while (true)
        {
            // The head is read first: whatever points an alias at one of them meanwhile changes it, and the transaction does not hold.
            var head = await ReadHeadAsync(model, cancel);
            var actions = new List<TableTransactionAction>();
            foreach (var alias in head.Aliases.Where(alias => versions.Contains(alias.Value)).OrderBy(alias => alias.Key, StringComparer.Ordinal).ToList())
            {
                if (!allowedAliases.Contains(alias.Key))
                {
                    return (alias.Key, alias.Value);
                }
                head.Aliases.Remove(alias.Key);
                AddHistory(head, actions, new AliasChange(alias.Key, alias.Value, To: null, reason, time.GetUtcNow()));
            }
            if (head.Traffic?.Versions.Intersect(versions).ToList() is [var answering, ..])
            {
                return (TrafficSplit.Name, answering);
            }
            var deleted = 0;
            foreach (var number in versions)
            {
                if (await FindVersionAsync(model, number, cancel) is not { } version)
                {
                    continue;
                }
                deleted++;
                actions.Add(Add(model, DeletedRow(number), "Json", Json.Write(new DeletedVersion(number, version.RunId, version.Created, time.GetUtcNow()))));
                foreach (var row in new[] { VersionRow(number), RunRow(version.RunId), PromotionRow(version.RunId) })
                {
                    if (row == VersionRow(number) || await FindRowAsync(model, row, cancel) is not null)
                    {
                        actions.Add(new TableTransactionAction(TableTransactionActionType.Delete, new TableEntity(model, row) { ETag = ETag.All }));
                    }
                }
            }
            if (actions.Count == 0)
            {
                return null;
            }
            head.Deleted += deleted;
            var indexed = head.HasVersions ? null : await index.FindAsync(model, cancel);
            head.Leave(versions);
            if (await TrySubmitAsync(head, actions, cancel))
            {
                // After the last version, and only as it was before: whoever registers the next one writes it anew.
                if (indexed is not null)
                {
                    await index.RemoveAsync(indexed, cancel);
                }
                return null;
            }
        }
    }

    /// <summary>The version that a run registered; null when it registered none, or it was deleted.</summary>
    public async Task<int?> FindVersionOfAsync(string model, string runId, CancellationToken cancel) =>
        (await FindRowAsync(model, RunRow(runId), cancel))?.GetInt32("Version");

    /// <summary>The versions there were, newest first.</summary>
    public Task<IReadOnlyList<DeletedVersion>> ListDeletedAsync(string model, CancellationToken cancel) =>
        ListAsync(model, 'x', Json.Read<DeletedVersion>, cancel);

    /// <summary>Whether the last move of production was a rollback between these two.</summary>
    private async Task<bool> IsRolledBackAsync(string model, int? from, int? to, CancellationToken cancel) =>
        (await ListHistoryAsync(model, cancel)).FirstOrDefault(change => change.Alias == ModelAlias.Production) is { Reason: RolledBack } last
        && last.From == from && last.To == to;

    /// <summary>The model with its aliases, or null when there is no version under that name.</summary>
    public async Task<RegisteredModel?> FindAsync(string model, CancellationToken cancel)
    {
        var head = await ReadHeadAsync(model, cancel);
        return head.HasVersions ? head.ToModel(model) : null;
    }

    /// <summary>What the aliases of a model point at now, whether it has versions or not.</summary>
    public async Task<IReadOnlyDictionary<string, int>> ReadAliasesAsync(string model, CancellationToken cancel) =>
        (await ReadHeadAsync(model, cancel)).Aliases;

    /// <summary>All models, by name.</summary>
    public async Task<IReadOnlyList<RegisteredModel>> ListAsync(CancellationToken cancel) =>
        (await ListAsync(take: int.MaxValue, next: null, cancel)).Items;

    /// <summary>Models by name.</summary>
    /// <param name="take">At most so many.</param>
    /// <param name="next">What the page before said; null: the first page.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException"><paramref name="next"/> is no token of this list.</exception>
    public async Task<ListPage<RegisteredModel>> ListAsync(int take, string? next, CancellationToken cancel)
    {
        var after = next is null ? null : PageToken.Read(next) is var name && ModelName.IsValid(name) ? name : throw PageToken.NoToken(next);
        var models = new List<RegisteredModel>();
        while (true)
        {
            // One more, to know whether there is more.
            var wanted = (int)Math.Min(take - models.Count + 1L, int.MaxValue);
            var names = await index.NamesAsync(after, wanted, cancel).Take(wanted).ToListAsync(cancel);
            var hasMore = names.Count > take - models.Count;
            var page = hasMore ? names[..^1] : names;
            foreach (var some in page.Chunk(ReadAtOnce))
            {
                models.AddRange((await Task.WhenAll(some.Select(model => FindAsync(model, cancel)))).OfType<RegisteredModel>());
            }
            after = page.Count > 0 ? page[^1] : after;
            if (!hasMore || models.Count == take)
            {
                return new ListPage<RegisteredModel>(models, hasMore ? PageToken.Write(after!) : null);
            }
        }
    }

    /// <summary>Every model that there ever was, also those whose versions are all deleted.</summary>
    /// <param name="unreadable">Told the name of each model whose row cannot be read, and why; it is passed by.</param>
    /// <param name="cancel">Stops it.</param>
    public async IAsyncEnumerable<RegisteredModel> ReadAllAsync(
        Action<string, Exception> unreadable, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var head in ReadHeadsAsync(unreadable, cancel))
        {
            yield return head.ToModel(head.Model);
        }
    }

    private async IAsyncEnumerable<Head> ReadHeadsAsync(Action<string, Exception> unreadable, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var entity in storage.Models.QueryAsync<TableEntity>(row => row.RowKey == HeadRow, cancellationToken: cancel))
        {
            if (Stored.TryRead(() => Head.From(entity), fault => unreadable(entity.PartitionKey, fault)) is { } head)
            {
                yield return head;
            }
        }
    }

    /// <summary>Models that the index does not name, and names without versions. Models that cannot be read are passed by.</summary>
    public async Task<IndexGaps> CompareIndexAsync(CancellationToken cancel)
    {
        var named = await index.NamesAsync(after: null, int.MaxValue, cancel).ToHashSetAsync(StringComparer.Ordinal, cancel);
        var missing = new List<string>();
        await foreach (var head in ReadHeadsAsync((_, _) => { }, cancel))
        {
            if (head.HasVersions && !named.Remove(head.Model) && await index.FindAsync(head.Model, cancel) is null)
            {
                missing.Add(head.Model);
            }
        }
        return new IndexGaps(missing, [.. named]);
    }

    /// <summary>Adds what is missing, and removes names whose models have no version.</summary>
    /// <param name="gaps">What was found.</param>
    /// <param name="settled">A name that was written since may get its first version just now.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task RepairIndexAsync(IndexGaps gaps, DateTimeOffset settled, CancellationToken cancel)
    {
        foreach (var model in gaps.Missing)
        {
            await index.AddAsync(model, cancel);
        }
        foreach (var model in gaps.Stale)
        {
            if (await index.FindAsync(model, cancel) is { } row && row.Timestamp < settled && !(await ReadHeadAsync(model, cancel)).HasVersions)
            {
                await index.RemoveAsync(row, cancel);
            }
        }
    }

    /// <summary>All versions, newest first.</summary>
    public Task<IReadOnlyList<ModelVersion>> ListVersionsAsync(string model, CancellationToken cancel) =>
        ListAsync(model, 'v', Stored.Read<ModelVersion>, cancel);

    /// <summary>Versions, newest first.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="take">At most so many.</param>
    /// <param name="next">What the page before said; null: the first page.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException"><paramref name="next"/> is no token of this list.</exception>
    public async Task<ListPage<ModelVersion>> ListVersionsAsync(string model, int take, string? next, CancellationToken cancel)
    {
        var from = next is null ? (await ReadHeadAsync(model, cancel)).Latest : NumberOf(next);
        var (versions, last) = await NewestAsync(model, 'v', Stored.Read<ModelVersion>, (from, take), cancel);
        return new ListPage<ModelVersion>(versions, last > 1 ? PageToken.Write($"{last - 1}") : null);
    }

    /// <summary>Every move of every alias, newest first.</summary>
    public Task<IReadOnlyList<AliasChange>> ListHistoryAsync(string model, CancellationToken cancel) => ListAsync(model, 'h', Json.Read<AliasChange>, cancel);

    /// <summary>The newest moves of aliases, newest first.</summary>
    public async Task<IReadOnlyList<AliasChange>> ListHistoryAsync(string model, int take, CancellationToken cancel) =>
        (await NewestAsync(model, 'h', Json.Read<AliasChange>, ((await ReadHeadAsync(model, cancel)).Changes, take), cancel)).Found;

    private static int NumberOf(string next) =>
        int.TryParse(PageToken.Read(next), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw PageToken.NoToken(next);

    /// <summary>Rows that are numbered without gaps, or almost: from a number downwards, so many numbers at a time, until there are enough.</summary>
    /// <returns>What was found, and the last number looked at.</returns>
    private async Task<(IReadOnlyList<T> Found, long Last)> NewestAsync<T>(
        string model, char kind, Func<string, T> read, (long From, int Take) wanted, CancellationToken cancel)
    {
        var (from, take) = wanted;
        var found = new List<T>();
        while (from > 0 && found.Count < take)
        {
            var to = Math.Max(1, from - (take - found.Count) + 1);
            var rows = new List<T>();
            var filter = TableClient.CreateQueryFilter($"PartitionKey eq {model} and RowKey ge {Numbered(kind, to)} and RowKey le {Numbered(kind, from)}");
            await foreach (var entity in storage.Models.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
            {
                rows.Add(read(entity.GetString("Json")));
            }
            rows.Reverse();
            found.AddRange(rows);
            from = to - 1;
        }
        return (found, from + 1);
    }

    private static string Numbered(char kind, long number) => string.Create(CultureInfo.InvariantCulture, $"{kind}|{number:D10}");

    public async Task<ModelVersion?> FindVersionAsync(string model, int version, CancellationToken cancel) =>
        await FindRowAsync(model, VersionRow(version), cancel) is { } entity ? Stored.Read<ModelVersion>(entity.GetString("Json")) : null;

    /// <exception cref="InputException">There is no such version.</exception>
    public async Task<ModelVersion> GetAsync(string model, int version, CancellationToken cancel) =>
        await FindVersionAsync(model, version, cancel) ?? throw new InputException($"Model '{model}' has no version {version}.");

    private async Task<IReadOnlyList<T>> ListAsync<T>(string model, char kind, Func<string, T> read, CancellationToken cancel)
    {
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {model} and RowKey ge {kind + "|"} and RowKey lt {kind + "}"}");
        var found = new List<T>();
        await foreach (var entity in storage.Models.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
        {
            found.Add(read(entity.GetString("Json")));
        }
        found.Reverse();
        return found;
    }

    private void MoveAlias(Head head, List<TableTransactionAction> actions, string alias, int version, string reason)
    {
        int? from = head.Aliases.TryGetValue(alias, out var current) ? current : null;
        if (from == version)
        {
            return;
        }
        head.Aliases[alias] = version;
        if (alias == ModelAlias.Production)
        {
            head.Push(version);
            head.Traffic = null;
        }
        AddHistory(head, actions, new AliasChange(alias, from, version, reason, time.GetUtcNow()));
    }

    private static void AddHistory(Head head, List<TableTransactionAction> actions, AliasChange change)
    {
        head.Changes++;
        actions.Add(Add(head.Model, Numbered('h', head.Changes), "Json", Json.Write(change)));
    }

    private static string VersionRow(int version) => Numbered('v', version);

    private static string DeletedRow(int version) => Numbered('x', version);

    private static string RunRow(string runId) => "run|" + runId;

    private static string PromotionRow(string runId) => "promotion|" + runId;

    private static TableTransactionAction Add(string model, string row, string property, object value) =>
        new(TableTransactionActionType.Add, new TableEntity(model, row) { [property] = value });

    private async Task<TableEntity?> FindRowAsync(string model, string row, CancellationToken cancel)
    {
        var entity = await storage.Models.GetEntityIfExistsAsync<TableEntity>(model, row, cancellationToken: cancel);
        return entity.HasValue ? entity.Value : null;
    }

    private async Task<Head> ReadHeadAsync(string model, CancellationToken cancel) =>
        await FindRowAsync(model, HeadRow, cancel) is { } entity ? Head.From(entity) : new Head { Model = model };

    /// <summary>Writes the head and what changes with it together; false when another writer was faster.</summary>
    private async Task<bool> TrySubmitAsync(Head head, List<TableTransactionAction> actions, CancellationToken cancel)
    {
        var entity = head.ToEntity();
        actions.Add(head.ETag == default
            ? new TableTransactionAction(TableTransactionActionType.Add, entity)
            : new TableTransactionAction(TableTransactionActionType.UpdateReplace, entity, head.ETag));
        if (await storage.Models.SubmitTransactionAsync(actions, cancel).WinsAsync())
        {
            return true;
        }
        await Task.Delay(Random.Shared.Next(5, 50), cancel);
        return false;
    }

    private sealed class Head
    {
        private const int LongestTrail = 200;

        public required string Model { get; init; }
        public ETag ETag { get; init; }
        public int Latest { get; set; }
        public long Changes { get; set; }
        public Dictionary<string, int> Aliases { get; init; } = [];
        /// <summary>How many of the versions up to the latest were deleted.</summary>
        public int Deleted { get; set; }
        /// <summary>Versions that production pointed at, oldest first, without those rolled back from.</summary>
        public List<int> Trail { get; init; } = [];

        /// <summary>How requests are shared out; null: production answers all.</summary>
        public TrafficSplit? Traffic { get; set; }

        public int? Production => Aliases.TryGetValue(ModelAlias.Production, out var version) ? version : null;

        public bool HasVersions => Latest > Deleted;

        public void Push(int version)
        {
            Trail.Add(version);
            if (Trail.Count > LongestTrail)
            {
                Trail.RemoveAt(0);
            }
        }

        /// <summary>Versions that are gone leave the trail; what stood on both sides of one is one step.</summary>
        public void Leave(IReadOnlyCollection<int> versions)
        {
            Trail.RemoveAll(versions.Contains);
            for (var i = Trail.Count - 1; i > 0; i--)
            {
                if (Trail[i] == Trail[i - 1])
                {
                    Trail.RemoveAt(i);
                }
            }
        }

        public RegisteredModel ToModel(string model) => new(model, Latest, Aliases) { Traffic = Traffic };

        public TableEntity ToEntity() => new(Model, HeadRow)
        {
            ["Latest"] = Latest,
            ["Changes"] = Changes,
            ["Deleted"] = Deleted,
            ["Aliases"] = Json.Write(Aliases),
            ["Trail"] = Json.Write(Trail),
            ["Traffic"] = Traffic is null ? null : Json.Write(Traffic),
        };

        public static Head From(TableEntity entity) => new()
        {
            Model = entity.PartitionKey,
            ETag = entity.ETag,
            Latest = entity.GetInt32("Latest") ?? 0,
            Changes = entity.GetInt64("Changes") ?? 0,
            Deleted = entity.GetInt32("Deleted") ?? 0,
            Aliases = Json.Read<Dictionary<string, int>>(entity.GetString("Aliases")),
            Trail = Json.Read<List<int>>(entity.GetString("Trail")),
            Traffic = entity.GetString("Traffic") is { } traffic ? Json.Read<TrafficSplit>(traffic) : null,
        };
    }
}
