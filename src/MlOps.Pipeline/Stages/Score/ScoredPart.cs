using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Stages.Score;

/// <summary>What scoring made of one part of a table.</summary>
/// <param name="Part">Its rows with what is predicted of them.</param>
/// <param name="Columns">Its columns.</param>
/// <param name="Problems">Rows of which nothing can be predicted.</param>
internal sealed record ScoredPart(DatasetPart Part, IReadOnlyList<DatasetColumn> Columns, long Problems)
{
    /// <summary>The first of these rows; null: there is none, or an earlier release wrote the part.</summary>
    public FirstProblem? First { get; init; }

    /// <summary>Keeps it beside the part, for whoever joins the parts, and for whoever would score it again.</summary>
    public Task SaveAsync(PipelineStorage storage, string dataset, int index, CancellationToken cancel) =>
        storage.Datasets.GetBlobClient(Blob(dataset, index)).UploadAsync(BinaryData.FromString(Json.Write(this)), overwrite: true, cancel);

    public static async Task<ScoredPart> ReadAsync(PipelineStorage storage, string dataset, int index, CancellationToken cancel) =>
        Json.Read<ScoredPart>((await storage.Datasets.GetBlobClient(Blob(dataset, index)).DownloadContentAsync(cancel)).Value.Content.ToString());

    /// <summary>One that an earlier call, or an earlier run that did not come to its end, has written; null: there is none.</summary>
    public static async Task<ScoredPart?> FindAsync(PipelineStorage storage, string dataset, int index, CancellationToken cancel)
    {
        if (await storage.Datasets.FindContentAsync(Blob(dataset, index), cancel) is not { } content)
        {
            return null;
        }
        var found = Json.Read<ScoredPart>(content.ToString());
        // Written again it is young, and nobody who collects what nothing reaches takes its part from now on; then it is seen whether somebody has.
        await found.SaveAsync(storage, dataset, index, cancel);
        return await storage.Datasets.GetBlobClient($"{dataset}/{found.Part.Name}").ExistsAsync(cancel) ? found : null;
    }

    private static string Blob(string dataset, int index) => $"{dataset}/part-{index}.json";
}

/// <param name="Row">The row, from 0, within its part.</param>
/// <param name="Problem">Why nothing is predicted of it.</param>
internal sealed record FirstProblem(long Row, string Problem);
