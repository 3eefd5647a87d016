using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Clean;

/// <summary>What cleaning made of one part of a raw table.</summary>
/// <param name="Part">The rows that stay.</param>
/// <param name="Dropped">Dropped rows by reason.</param>
/// <param name="TargetValues">Different values of the target, as many as are needed: see <see cref="TargetColumn.Decide"/>.</param>
/// <param name="Equal">Rows that equal an earlier one, dropped or kept.</param>
/// <param name="Loss">The target in the rows that stay and in those that do not.</param>
/// <param name="Examples">The first dropped rows by reason; null: a release made it that kept none.</param>
internal sealed record CleanedPart(
    DatasetPart Part, IReadOnlyDictionary<string, long> Dropped, IReadOnlyList<string> TargetValues, long Equal = 0, TargetLoss? Loss = null,
    IReadOnlyList<DroppedRows>? Examples = null)
{
    /// <summary>Line of the file on which the first row starts that equals an earlier one; null: there is none, or it is not known.</summary>
    public long? EqualLine { get; init; }

    /// <summary>What stands in the columns that are not used; null: a release made it that did not look.</summary>
    public IReadOnlyList<UnusedCells>? Unused { get; init; }

    /// <summary>Keeps it beside the part, for whoever joins the parts.</summary>
    public Task SaveAsync(PipelineStorage storage, string dataset, int index, CancellationToken cancel) =>
        storage.Datasets.GetBlobClient(Blob(dataset, index)).UploadAsync(BinaryData.FromString(Json.Write(this)), overwrite: true, cancel);

    public static async Task<CleanedPart> ReadAsync(PipelineStorage storage, string dataset, int index, CancellationToken cancel) =>
        Json.Read<CleanedPart>((await storage.Datasets.GetBlobClient(Blob(dataset, index)).DownloadContentAsync(cancel)).Value.Content.ToString());

    private static string Blob(string dataset, int index) => $"{dataset}/part-{index}.json";
}
