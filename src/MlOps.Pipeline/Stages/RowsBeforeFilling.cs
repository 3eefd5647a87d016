using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Stages;

/// <summary>The rows of a side of a split before anything was filled in, computed or left out of them, in the same order.</summary>
internal static class RowsBeforeFilling
{
    public static async Task<LocalTable> OfAsync(DatasetStore datasets, DatasetManifest side, CancellationToken cancel)
    {
        var rows = side;
        while (rows.Selection is not null || rows.Projection is not null)
        {
            rows = await datasets.GetAsync(rows.Parents[0], cancel);
        }
        var selected = rows with { Id = $"{side.Id}-raw", Parents = [rows.Id], Parts = [], Selection = side.Selection, Rows = side.Rows };
        return new LocalTable(selected, [], await datasets.OpenAsync(rows, cancel));
    }
}
