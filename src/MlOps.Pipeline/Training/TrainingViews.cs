using Microsoft.ML;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Training;

/// <summary>The rows that a model learns from, and those that boosting watches.</summary>
/// <param name="Table">The table that both are of.</param>
/// <param name="Rows">Learnt from; null: all.</param>
/// <param name="WatchedRows">Watched; null: none.</param>
/// <param name="Scale">The unit of the labels; null: the target's own.</param>
internal sealed record TrainingViews(FeatureTable Table, int[]? Rows, int[]? WatchedRows, TargetScale? Scale)
{
    /// <summary>What happens to the features before they are learnt from.</summary>
    public Func<IDataView, IDataView> Prepare { get; init; } = view => view;

    public IDataView Train => Prepare(new FeatureView(Table, Rows, Scale));

    public IDataView? Watched => WatchedRows is null ? null : Prepare(new FeatureView(Table, WatchedRows, Scale));

    /// <summary>The same rows, with one class as the positive one and all others as negative.</summary>
    public (IDataView Train, IDataView? Watched) OfClass(int place) =>
        (Prepare(new FeatureView(Table, Rows) { Class = place }), WatchedRows is null ? null : Prepare(new FeatureView(Table, WatchedRows) { Class = place }));
}
