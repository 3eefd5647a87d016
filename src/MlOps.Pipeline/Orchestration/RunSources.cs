using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>What a run reads: a dataset version by its name, or what a model's runs read when nobody names anything.</summary>
public sealed class RunSources(DataVersions versions, DataLog log, DefinitionStore definitions, PipelineStorage storage, TimeProvider time)
{
    internal const string BlobPrefix = "raw/";
    private const string Raw = "raw";
    private const string Latest = "latest";

    /// <summary>A raw dataset version by what a person calls it.</summary>
    /// <exception cref="InputException">There is none, or it is none that a run starts from.</exception>
    public async Task<RunSource> OfVersionAsync(string model, string name, CancellationToken cancel)
    {
        var version = await versions.GetAsync(model, name, cancel);
        if (version.Stage is not (Raw or DataEntry.Input))
        {
            throw new InputException(
                $"'{name}' of model '{model}' is a {version.Stage} table, and a run starts from a raw one. 'data log {model} --stage raw' lists those.");
        }
        await ClaimAsync(version, cancel);
        return new RunSource(StoredSource.Of(version.Id), version.Created, version.Id) { Data = name };
    }

    /// <summary>
    /// What a run reads for which nobody names anything: the version that the definition pins; else one that was restored, until a newer raw file comes;
    /// else the newest raw file.
    /// </summary>
    /// <exception cref="InputException">There is nothing to read.</exception>
    public async Task<RunSource> DefaultAsync(PipelineDefinition definition, CancellationToken cancel)
    {
        var model = definition.Model;
        if (definition.Data is { } pinned)
        {
            return await PinnedAsync(model, pinned, cancel);
        }
        var newest = await FindNewestRawFileAsync(model, cancel);
        if (await log.FindRestoredAsync(model, cancel) is { } restored && restored.IsNewerThan(FileOf(newest))
            && await log.FindAsync(model, restored.Version, cancel) is { } version)
        {
            return new RunSource(StoredSource.Of(version.Id), restored.At, version.Id) { Data = Latest };
        }
        return newest is null
            ? throw new InputException($"There is no raw file for model '{model}'. PUT /raw/{model}/{{file}} first, or name a 'source'.")
            : new RunSource(BlobPrefix + newest.Name, newest.Properties.LastModified ?? DateTimeOffset.UnixEpoch, $"{newest.Name}|{newest.Properties.ETag}")
            {
                ETag = newest.Properties.ETag?.ToString(),
            };
    }

    /// <inheritdoc cref="DefaultAsync(PipelineDefinition, CancellationToken)"/>
    public async Task<RunSource> DefaultAsync(string model, CancellationToken cancel) =>
        await DefaultAsync(await definitions.FindAsync(model, cancel) ?? new PipelineDefinition { Model = model, Target = "" }, cancel);

    /// <summary>What a definition pins.</summary>
    /// <exception cref="InputException">There is no such version, or it is none that a run starts from.</exception>
    public async Task<RunSource> PinnedAsync(string model, string pinned, CancellationToken cancel)
    {
        try
        {
            return await OfVersionAsync(model, pinned, cancel);
        }
        catch (InputException unknown)
        {
            throw new InputException(
                $"The definition of model '{model}' pins data '{pinned}'. {unknown.Message} Give the name to a version (data tag), or change or leave out "
                + "'data' in the definition.");
        }
    }

    /// <summary>Makes a raw version the newest again: <c>latest</c>, and what runs read when nobody names anything, until a newer raw file comes.</summary>
    /// <returns>The version as it is listed now.</returns>
    /// <exception cref="InputException">There is no such version, or it is no raw one.</exception>
    public async Task<DataEntry> RestoreAsync(string model, string name, string by, CancellationToken cancel)
    {
        var version = await versions.GetAsync(model, name, cancel);
        if (version.Stage != Raw)
        {
            throw new InputException(
                $"'{name}' of model '{model}' is {(version.Stage == DataEntry.Input ? "an" : "a")} {version.Stage} table; a raw one can be made the newest "
                    + $"again. 'data log {model} --stage raw' lists those.");
        }
        await ClaimAsync(version, cancel);
        var note = new RestoredData(version.Id, time.GetUtcNow(), by, FileOf(await FindNewestRawFileAsync(model, cancel)));
        return await log.RestoreAsync(version, note, cancel);
    }

    /// <summary>Who is about to refer to a version keeps it until that stands somewhere.</summary>
    private async Task ClaimAsync(DataEntry version, CancellationToken cancel)
    {
        if (!await DatasetClaims.TryClaimAsync(storage, version.Id, cancel))
        {
            throw new InputException(DatasetClaims.Gone(version.Id));
        }
    }

    private static RestoredOver? FileOf(BlobItem? newest) => newest is null
        ? null
        : new RestoredOver(newest.Name, newest.Properties.LastModified ?? DateTimeOffset.UnixEpoch, newest.Properties.ETag?.ToString() ?? "");

    /// <summary>The newest file in <c>raw/{model}/</c>, or null; of those of the same second, which is all that storage tells, the last by name.</summary>
    private async Task<BlobItem?> FindNewestRawFileAsync(string model, CancellationToken cancel)
    {
        var newest = default(BlobItem);
        await foreach (var blob in storage.Raw.GetBlobsAsync(default, default, model + "/", cancel))
        {
            if (newest is null || blob.Properties.LastModified >= newest.Properties.LastModified)
            {
                newest = blob;
            }
        }
        return newest;
    }
}

/// <summary>What a run reads.</summary>
/// <param name="Source">See <see cref="Run.Source"/>.</param>
/// <param name="At">When it came about.</param>
/// <param name="State">What tells it from what it was before, and from others.</param>
public sealed record RunSource(string Source, DateTimeOffset At, string State)
{
    /// <summary>See <see cref="Run.SourceETag"/>.</summary>
    public string? ETag { get; init; }

    /// <summary>See <see cref="Run.Data"/>.</summary>
    public string? Data { get; init; }
}
