using System.Globalization;
using Azure;
using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Registry;

/// <summary>
/// The table-backed model registry. All rows of a model share one partition, so that a version number and its row, or an alias and its
/// history, change together in one transaction conditional on the head row's ETag: numbers have no gaps and no duplicates.
/// </summary>
public sealed class ModelRegistry(PipelineStorage storage, TimeProvider time)
{
    private const string HeadRow = "head";
    private const string RolledBack = "rolled back";

    /// <summary>Registers a version with the next number and points alias <c>candidate</c> at it. The same run registers once: again, it gets the
    /// same version.</summary>
    public async Task<ModelVersion> RegisterAsync(ModelVersion version, CancellationToken cancel)
    {
        while (true)
        {
            var runRow = "run|" + version.RunId;
            if (await FindRowAsync(version.Model, runRow, cancel) is { } earlier)
            {
                return await GetAsync(version.Model, earlier.GetInt32("Version")!.Value, cancel);
            }
            var head = await ReadHeadAsync(version.Model, cancel);
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
            if (head.Trail.Count < 2)
            {
                throw new InputException(head.Production is null
                    ? $"Model '{model}' has no version in production, so there is nothing to roll back."
                    : $"Model '{model}' has no earlier production version to roll back to: version {head.Production} is the first.");
            }
            var actions = new List<TableTransactionAction>();
            head.Trail.RemoveAt(head.Trail.Count - 1);
            head.Aliases[ModelAlias.Production] = head.Trail[^1];
            AddHistory(head, actions, new AliasChange(ModelAlias.Production, from, head.Trail[^1], RolledBack, time.GetUtcNow()));
            if (await TrySubmitAsync(head, actions, cancel))
            {
                return head.ToModel(model);
            }
        }
    }

    /// <summary>Whether the last move of production was a rollback between these two.</summary>
    private async Task<bool> IsRolledBackAsync(string model, int? from, int? to, CancellationToken cancel) =>
        (await ListHistoryAsync(model, cancel)).FirstOrDefault(change => change.Alias == ModelAlias.Production) is { Reason: RolledBack } last
        && last.From == from && last.To == to;

    /// <summary>The model with its aliases, or null when nothing was ever registered under that name.</summary>
    public async Task<RegisteredModel?> FindAsync(string model, CancellationToken cancel)
    {
        var head = await ReadHeadAsync(model, cancel);
        return head.Latest == 0 ? null : head.ToModel(model);
    }

    public async Task<IReadOnlyList<RegisteredModel>> ListAsync(CancellationToken cancel)
    {
        var models = new List<RegisteredModel>();
        await foreach (var entity in storage.Models.QueryAsync<TableEntity>(row => row.RowKey == HeadRow, cancellationToken: cancel))
        {
            models.Add(Head.From(entity).ToModel(entity.PartitionKey));
        }
        return models;
    }

    /// <summary>All versions, newest first.</summary>
    public Task<IReadOnlyList<ModelVersion>> ListVersionsAsync(string model, CancellationToken cancel) => ListAsync<ModelVersion>(model, 'v', cancel);

    /// <summary>Every move of every alias, newest first.</summary>
    public Task<IReadOnlyList<AliasChange>> ListHistoryAsync(string model, CancellationToken cancel) => ListAsync<AliasChange>(model, 'h', cancel);

    public async Task<ModelVersion?> FindVersionAsync(string model, int version, CancellationToken cancel) =>
        await FindRowAsync(model, VersionRow(version), cancel) is { } entity ? Stored.Read<ModelVersion>(entity.GetString("Json")) : null;

    /// <exception cref="InputException">There is no such version.</exception>
    public async Task<ModelVersion> GetAsync(string model, int version, CancellationToken cancel) =>
        await FindVersionAsync(model, version, cancel) ?? throw new InputException($"Model '{model}' has no version {version}.");

    private async Task<IReadOnlyList<T>> ListAsync<T>(string model, char kind, CancellationToken cancel)
    {
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {model} and RowKey ge {kind + "|"} and RowKey lt {kind + "}"}");
        var found = new List<T>();
        await foreach (var entity in storage.Models.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
        {
            found.Add(Json.Read<T>(entity.GetString("Json")));
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
        }
        AddHistory(head, actions, new AliasChange(alias, from, version, reason, time.GetUtcNow()));
    }

    private static void AddHistory(Head head, List<TableTransactionAction> actions, AliasChange change)
    {
        head.Changes++;
        actions.Add(Add(head.Model, string.Create(CultureInfo.InvariantCulture, $"h|{head.Changes:D10}"), "Json", Json.Write(change)));
    }

    private static string VersionRow(int version) => string.Create(CultureInfo.InvariantCulture, $"v|{version:D10}");

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
        /// <summary>Versions that production pointed at, oldest first, without those rolled back from.</summary>
        public List<int> Trail { get; init; } = [];

        public int? Production => Aliases.TryGetValue(ModelAlias.Production, out var version) ? version : null;

        public void Push(int version)
        {
            Trail.Add(version);
            if (Trail.Count > LongestTrail)
            {
                Trail.RemoveAt(0);
            }
        }

        public RegisteredModel ToModel(string model) => new(model, Latest, Aliases);

        public TableEntity ToEntity() => new(Model, HeadRow)
        {
            ["Latest"] = Latest,
            ["Changes"] = Changes,
            ["Aliases"] = Json.Write(Aliases),
            ["Trail"] = Json.Write(Trail),
        };

        public static Head From(TableEntity entity) => new()
        {
            Model = entity.PartitionKey,
            ETag = entity.ETag,
            Latest = entity.GetInt32("Latest") ?? 0,
            Changes = entity.GetInt64("Changes") ?? 0,
            Aliases = Json.Read<Dictionary<string, int>>(entity.GetString("Aliases")),
            Trail = Json.Read<List<int>>(entity.GetString("Trail")),
        };
    }
}
