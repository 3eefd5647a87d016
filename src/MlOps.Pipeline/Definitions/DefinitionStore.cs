using System.Security.Cryptography;
using System.Text;
using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Definitions;

/// <summary>Pipeline definitions in blobs: the current one per model, and an immutable snapshot of each that a run used.</summary>
public sealed class DefinitionStore(PipelineStorage storage, KnownExtensions known)
{
    /// <summary>The snapshot read last: every stage of a run asks for the same.</summary>
    private volatile Snapshot? latest;

    /// <summary>Stores a definition as the model's current one and returns its snapshot's id.</summary>
    /// <exception cref="InputException">It names what this host does not have.</exception>
    public async Task<string> PutAsync(PipelineDefinition definition, CancellationToken cancel)
    {
        var id = await SnapshotAsync(definition, cancel);
        await UploadAsync($"current/{definition.Model}.json", definition, cancel);
        await DefinitionChanges.MarkAsync(storage, cancel);
        return id;
    }

    /// <summary>Changes the model's current definition, as it is at that moment; null where there is none, or nothing to change.</summary>
    /// <param name="model">The model.</param>
    /// <param name="change">The definition as it shall be; null: as it is. Asked again where somebody else changed it in between.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<(string From, string To)?> ChangeAsync(
        string model, Func<PipelineDefinition, PipelineDefinition?> change, CancellationToken cancel)
    {
        var blob = storage.Definitions.GetBlobClient($"current/{model}.json");
        while (await blob.DownloadContentAsync(cancel).OrNullAsync() is { } stored)
        {
            var before = DefinitionJson.Read(stored.Value.Content.ToString());
            if (change(before) is not { } after)
            {
                return null;
            }
            var to = await SnapshotAsync(after, cancel);
            var unchanged = new BlobUploadOptions { Conditions = new BlobRequestConditions { IfMatch = stored.Value.Details.ETag } };
            if (await blob.UploadAsync(BinaryData.FromString(DefinitionJson.Write(after)), unchanged, cancel).WinsAsync())
            {
                await DefinitionChanges.MarkAsync(storage, cancel);
                return (IdOf(before), to);
            }
        }
        return null;
    }

    /// <summary>Stores a definition's snapshot and returns its id, a function of its content.</summary>
    /// <exception cref="InputException">It names what this host does not have.</exception>
    public async Task<string> SnapshotAsync(PipelineDefinition definition, CancellationToken cancel)
    {
        known.Check(definition);
        var id = IdOf(definition);
        await UploadAsync($"snapshots/{id}.json", definition, cancel);
        return id;
    }

    /// <summary>The id of a definition's snapshot, a function of its content.</summary>
    public static string IdOf(PipelineDefinition definition)
    {
        var identity = DefinitionJson.WriteIdentity(definition);
        return $"{definition.Model}/{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)))[..16]}";
    }

    /// <summary>The model's current definition, or null.</summary>
    public Task<PipelineDefinition?> FindAsync(string model, CancellationToken cancel) => ReadAsync($"current/{model}.json", cancel);

    /// <summary>The model's current definition.</summary>
    /// <exception cref="InputException">It has none.</exception>
    public async Task<PipelineDefinition> RequireAsync(string model, CancellationToken cancel) => await FindAsync(model, cancel)
        ?? throw new InputException(
            $"Model '{model}' has no pipeline definition. PUT /pipelines/{model} first, or use the 'train' command, which infers one.");

    /// <summary>Takes the model's current definition away; its snapshots stay.</summary>
    public async Task DeleteAsync(string model, CancellationToken cancel)
    {
        await storage.Definitions.DeleteBlobIfExistsAsync($"current/{model}.json", cancellationToken: cancel);
        await DefinitionChanges.MarkAsync(storage, cancel);
    }

    /// <summary>When the model's current definition was put there; null when it has none.</summary>
    public async Task<DateTimeOffset?> FindTimeAsync(string model, CancellationToken cancel) =>
        (await storage.Definitions.GetBlobClient($"current/{model}.json").GetPropertiesAsync(cancellationToken: cancel).OrNullAsync())?.Value.LastModified;

    /// <summary>The snapshot that a run uses.</summary>
    public async Task<PipelineDefinition> GetSnapshotAsync(string definitionId, CancellationToken cancel)
    {
        if (latest is { } known && known.Id == definitionId)
        {
            return known.Definition;
        }
        var definition = await ReadAsync($"snapshots/{definitionId}.json", cancel)
            ?? throw new InputException($"The stored definition '{definitionId}' is gone. PUT the definition again and start a new run.");
        latest = new Snapshot(definitionId, definition);
        return definition;
    }

    /// <summary>Whether the snapshot that a run uses is there.</summary>
    public async Task<bool> HasSnapshotAsync(string definitionId, CancellationToken cancel) =>
        await storage.Definitions.GetBlobClient($"snapshots/{definitionId}.json").ExistsAsync(cancel);

    /// <summary>Names of all models that have a definition.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancel)
    {
        var models = new List<string>();
        await foreach (var blob in storage.Definitions.GetBlobsAsync(BlobTraits.None, BlobStates.None, "current/", cancel))
        {
            models.Add(Path.GetFileNameWithoutExtension(blob.Name));
        }
        return models;
    }

    /// <summary>Names of models that have a definition, by name.</summary>
    /// <param name="take">At most so many.</param>
    /// <param name="next">What the page before said; null: the first page.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException"><paramref name="next"/> is no token of this list.</exception>
    public async Task<ListPage<string>> ListAsync(int take, string? next, CancellationToken cancel) =>
        (await storage.Definitions.ListAsync("current/", take, next, cancel)).Select(blob => Path.GetFileNameWithoutExtension(blob.Name));

    private Task UploadAsync(string name, PipelineDefinition definition, CancellationToken cancel) =>
        storage.Definitions.GetBlobClient(name).UploadAsync(BinaryData.FromString(DefinitionJson.Write(definition)), overwrite: true, cancel);

    private async Task<PipelineDefinition?> ReadAsync(string name, CancellationToken cancel) =>
        await storage.Definitions.FindContentAsync(name, cancel) is { } content ? DefinitionJson.Read(content.ToString()) : null;

    private sealed record Snapshot(string Id, PipelineDefinition Definition);
}
