using Azure;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Versions;

/// <summary>
/// Brings a model version into another storage account, where it gets the next number: its files, the definition that it was made by, the run that made it with
/// its model card and all else that it keeps, and where asked the rows. What it needs comes first, the version last; so wherever that dies, the same again goes
/// on, and once it is there the same again changes nothing. It serves nothing by itself.
/// </summary>
public sealed class ModelCopy(
    PipelineStorage from, ModelRegistry registry, RunStore runs, DefinitionStore definitions, KnownExtensions known, TimeProvider time)
{
    /// <summary>A transaction holds 4 MB, and a row 64 KB of text.</summary>
    private const int RowsAtOnce = 20;

    /// <summary>What a run logged; not what was told of it, nor what it waited for.</summary>
    private static readonly string[] Kinds = ["stage|", "param|", "metric|", "artifact|", "result|"];

    /// <returns>The version in the other account.</returns>
    /// <exception cref="InputException">There is no such version, a file is not as it was registered, or the model there learns something else.</exception>
    public async Task<ModelVersion> CopyAsync(string model, int version, ModelCopyTarget target, CancellationToken cancel)
    {
        var to = target.Storage;
        if (AccountOf(to) == AccountOf(from))
        {
            throw new InputException("Both are the same storage account. Name another one to copy to; 'promote' puts a version of this one into production.");
        }
        var found = await registry.FindVersionAsync(model, version, cancel)
            ?? throw new InputException($"Model '{model}' has no version {version}. The command 'models {model}' lists its versions.");
        var there = new ModelRegistry(to, time);
        if (!target.Force)
        {
            await CheckAsync(found, there, to, cancel);
        }
        if (target.WithData)
        {
            foreach (var stage in DataEntry.Stages)
            {
                if (found.Lineage.OfStage(stage) is { } id)
                {
                    await DataCopy.CopyAsync(from, to, id, cancel);
                }
            }
        }
        await CopyBlobAsync(from.Definitions, to.Definitions, $"snapshots/{found.DefinitionId}.json", sha256: null, cancel);
        await CopyFilesAsync(found, to, cancel);
        var run = await CopyRunAsync(found, target, cancel);
        var registered = await there.RegisterAsync(found with { From = new CopiedFrom(AccountOf(from), model, version) }, cancel);
        if (!Same(registered.Sha256, found.Sha256))
        {
            throw new InputException(
                $"The other account has version {registered.Version} of model '{model}' of the same run, with other files. Delete it there, or train anew.");
        }
        if (run is not null)
        {
            await new RunStore(to, time).UpdateAsync(run.RunId, copied => copied with { Version = registered.Version }, cancel);
        }
        return registered;
    }

    /// <summary>What an account is called in records: no key is in it.</summary>
    public static string AccountOf(PipelineStorage storage) =>
        storage.Raw.Uri.Host.StartsWith(storage.Raw.AccountName + ".", StringComparison.OrdinalIgnoreCase)
            ? storage.Raw.AccountName
            : $"{storage.Raw.Uri.Authority}/{storage.Raw.AccountName}";

    /// <summary>Callers of a model expect what it predicted so far.</summary>
    private async Task CheckAsync(ModelVersion found, ModelRegistry there, PipelineStorage to, CancellationToken cancel)
    {
        if (await there.ListVersionsAsync(found.Model, take: 1, next: null, cancel) is not { Items: [var newest, ..] })
        {
            return;
        }
        var (mine, its) = (await TargetAsync(definitions, found, cancel), await TargetAsync(new DefinitionStore(to, known), newest, cancel));
        if (newest.Task != found.Task || (mine is not null && its is not null && mine != its))
        {
            throw new InputException(
                $"The model '{found.Model}' of the other account predicts {Words(newest, its)}, and this version {Words(found, mine)}. Use another name for "
                + "one of them, or copy it all the same with --force.");
        }
    }

    private static string Words(ModelVersion version, string? target) =>
        $"{(target is null ? "a target" : $"'{target}'")} ({version.Task.ToString().ToLowerInvariant()})";

    private static async Task<string?> TargetAsync(DefinitionStore definitions, ModelVersion version, CancellationToken cancel)
    {
        try
        {
            return (await definitions.GetSnapshotAsync(version.DefinitionId, cancel)).Target;
        }
        catch (InputException)
        {
            // It is gone, or names what this host does not have.
            return null;
        }
    }

    /// <summary>All that stands beside the trained model; its record last, which says that it is whole.</summary>
    private async Task CopyFilesAsync(ModelVersion found, PipelineStorage to, CancellationToken cancel)
    {
        foreach (var (file, hash) in found.Sha256 ?? new Dictionary<string, string>())
        {
            if (!await CopyBlobAsync(from.Artifacts, to.Artifacts, $"{found.ModelBlobs}/{file}", hash, cancel))
            {
                throw new InputException(
                    $"The file 'artifacts/{found.ModelBlobs}/{file}' of version {found.Version} is not there. Restore a backup, or train it again.");
            }
        }
        var root = found.ModelBlobs[..Math.Max(0, found.ModelBlobs.LastIndexOf('/'))];
        await foreach (var blob in from.Artifacts.GetBlobsAsync(default, default, (root.Length == 0 ? found.ModelBlobs : root) + "/", cancel))
        {
            if (found.Sha256?.ContainsKey(Path.GetFileName(blob.Name)) != true || !blob.Name.StartsWith(found.ModelBlobs + "/", StringComparison.Ordinal))
            {
                await CopyBlobAsync(from.Artifacts, to.Artifacts, blob.Name, sha256: null, cancel);
            }
        }
        if (root.Length > 0)
        {
            await CopyBlobAsync(from.Artifacts, to.Artifacts, $"{root}.json", sha256: null, cancel);
        }
    }

    /// <summary>The run with what it logged and keeps; null when it is gone.</summary>
    private async Task<Run?> CopyRunAsync(ModelVersion found, ModelCopyTarget target, CancellationToken cancel)
    {
        if (await runs.FindDetailsAsync(found.RunId, cancel) is not { } details)
        {
            return null;
        }
        if (!details.Run.HasEnded)
        {
            throw new InputException($"Run '{found.RunId}', which registered version {found.Version}, has not ended. Copy it when it has.");
        }
        var to = target.Storage;
        foreach (var artifact in details.Artifacts)
        {
            await CopyBlobAsync(from.Artifacts, to.Artifacts, artifact.Blob, sha256: null, cancel);
        }
        await foreach (var log in from.Artifacts.GetBlobsAsync(default, default, StageLogs.FolderOf(found.RunId), cancel))
        {
            await CopyBlobAsync(from.Artifacts, to.Artifacts, log.Name, sha256: null, cancel);
        }
        var rows = new List<TableEntity>();
        await foreach (var row in from.RunRecords.QueryAsync<TableEntity>(row => row.PartitionKey == found.RunId, cancellationToken: cancel))
        {
            if (Kinds.Any(kind => row.RowKey.StartsWith(kind, StringComparison.Ordinal)))
            {
                rows.Add(row);
            }
        }
        foreach (var some in rows.Chunk(RowsAtOnce))
        {
            await to.RunRecords.SubmitTransactionAsync(
                some.Select(row => new TableTransactionAction(TableTransactionActionType.UpsertReplace, row, ETag.All)), cancel);
        }
        // What it came to there is not what it came to here.
        await new RunStore(to, time).CreateAsync(details.Run with { Version = null, Promoted = false }, cancel);
        if (target.WithData)
        {
            await LogAsync(details.Run, found.Lineage, to, cancel);
        }
        return details.Run;
    }

    private static async Task LogAsync(Run run, ModelLineage lineage, PipelineStorage to, CancellationToken cancel)
    {
        var log = new DataLog(to);
        foreach (var stage in DataEntry.Stages)
        {
            if (lineage.OfStage(stage) is { } id && await to.Datasets.FindContentAsync($"{id}/manifest.json", cancel) is { } manifest)
            {
                await log.RecordAsync(run, stage, Stored.Read<DatasetManifest>(manifest.ToString()), cancel);
            }
        }
    }

    /// <summary>False when there is no such blob.</summary>
    private static async Task<bool> CopyBlobAsync(
        BlobContainerClient source, BlobContainerClient target, string name, string? sha256, CancellationToken cancel)
    {
        if (await source.FindContentAsync(name, cancel) is not { } content)
        {
            return false;
        }
        if (sha256 is not null && ModelFiles.HashOf(content) != sha256)
        {
            throw new InputException($"The file '{source.Name}/{name}' was changed after its model was stored, and is not copied. Restore a backup.");
        }
        await target.GetBlobClient(name).UploadAsync(content, overwrite: true, cancel);
        return true;
    }

    private static bool Same(IReadOnlyDictionary<string, string>? first, IReadOnlyDictionary<string, string>? second) =>
        first is null || second is null || first.All(file => second.GetValueOrDefault(file.Key) is not { } other || other == file.Value);
}

/// <summary>Where a model version is copied to, and what with it.</summary>
/// <param name="Storage">The other account.</param>
/// <param name="WithData">Whether the rows come too: for live drift, comparisons, and to train on there.</param>
/// <param name="Force">Also where the model there predicts another target, or is of another task.</param>
public sealed record ModelCopyTarget(PipelineStorage Storage, bool WithData = false, bool Force = false);
