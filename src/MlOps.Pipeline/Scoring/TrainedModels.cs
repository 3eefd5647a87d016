using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;

namespace MlOps.Pipeline.Scoring;

/// <summary>A trained model: where its files are, their sizes and hashes.</summary>
/// <param name="Blobs">Blob prefix of its files.</param>
/// <param name="Metrics">Its metrics on the validation rows.</param>
/// <param name="Files">Size of each file.</param>
/// <param name="Sha256">SHA-256 of each file; null for a model of a release that kept none.</param>
internal sealed record TrainedModel(
    string Blobs, IReadOnlyDictionary<string, double> Metrics, IReadOnlyDictionary<string, long> Files, IReadOnlyDictionary<string, string>? Sha256 = null)
    : IStored
{
    public static int CurrentFormat => 1;

    public static string StoredAs => "trained model";

    public int Format { get; init; } = CurrentFormat;
}

/// <summary>Trained models by the name of what they were made from (see <see cref="ContentStore"/>).</summary>
public sealed class TrainedModels(PipelineStorage storage)
{
    private readonly ContentStore models = new(storage.Artifacts);

    internal Task<TrainedModel?> FindAsync(string name, CancellationToken cancel) => models.FindAsync<TrainedModel>($"{name}.json", cancel);

    /// <returns>The model that counts: this one, or that of a writer who was faster.</returns>
    internal async Task<TrainedModel> StoreAsync(
        string name, IReadOnlyDictionary<string, BinaryData> files, IReadOnlyDictionary<string, double> metrics, CancellationToken cancel)
    {
        var stored = new TrainedModel(
            await models.StoreAsync(name, files, cancel), metrics, files.ToDictionary(file => file.Key, file => (long)file.Value.ToMemory().Length),
            HashesOf(files));
        return await models.CommitAsync($"{name}.json", stored, cancel);
    }

    /// <summary>The files under a blob prefix, with their hashes where the model's record has them.</summary>
    public async Task<ModelFiles> FilesAsync(string blobs, CancellationToken cancel)
    {
        var name = blobs[..Math.Max(blobs.LastIndexOf('/'), 0)];
        return new ModelFiles(blobs, name.Length > 0 && await FindAsync(name, cancel) is { } model && model.Blobs == blobs ? model.Sha256 : null);
    }

    /// <summary>
    /// The files of a model that is about to be registered: what has no recorded hashes is hashed as it is now, and so is what came after it was trained.
    /// </summary>
    public async Task<ModelFiles> FilesToRegisterAsync(string blobs, CancellationToken cancel)
    {
        var files = await FilesAsync(blobs, cancel);
        var later = await HashesAsync(blobs, [IntervalState.File, IntervalState.SpreadFile, .. MonitoringReference.Files], cancel);
        var known = files.Sha256 ?? await HashesAsync(blobs, StoredModel.Files, cancel);
        return files with { Sha256 = known.Concat(later.Where(file => !known.ContainsKey(file.Key))).ToDictionary() };
    }

    private async Task<IReadOnlyDictionary<string, string>> HashesAsync(string blobs, IReadOnlyList<string> files, CancellationToken cancel)
    {
        var found = new Dictionary<string, BinaryData>();
        foreach (var file in files)
        {
            if (await storage.Artifacts.FindContentAsync($"{blobs}/{file}", cancel) is { } content)
            {
                found[file] = content;
            }
        }
        return HashesOf(found);
    }

    private static Dictionary<string, string> HashesOf(IReadOnlyDictionary<string, BinaryData> files) =>
        files.ToDictionary(file => file.Key, file => ModelFiles.HashOf(file.Value));
}
