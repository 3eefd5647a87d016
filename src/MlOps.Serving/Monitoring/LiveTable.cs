using MlOps.Drift.Profiles;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Features;

namespace MlOps.Serving.Monitoring;

/// <summary>Which logged rows are read, and how.</summary>
/// <param name="Files">Local files of the prediction log.</param>
/// <param name="Window">Which of their rows.</param>
/// <param name="Most">Of more, the newest so many.</param>
/// <param name="Train">The training rows of the version, which say how cells are read.</param>
/// <param name="Trained">Their profile.</param>
internal sealed record LiveSource(IReadOnlyList<string> Files, LiveWindow Window, int Most, DatasetManifest Train, TableProfile Trained);

/// <summary>Rows of a window on this machine, typed and filled as the model saw them, with what it predicted and, where that is known, what came true.
/// </summary>
/// <param name="Rows">The rows, in the order of their time; the target is null where it is not known.</param>
/// <param name="Names">The columns beside those of training.</param>
/// <param name="Cells">What is wrong with the cells as they were sent, by input.</param>
internal sealed record LiveTable(LocalTable Rows, LiveColumns Names, IReadOnlyList<LiveCells> Cells);

/// <summary>The cells of an input.</summary>
/// <param name="Column">The input.</param>
/// <param name="Missing">How many have no value, or none of the column's type.</param>
/// <param name="OutOfRange">How many are below or above all of training; null: it is not a number.</param>
internal sealed record LiveCells(string Column, long Missing, long? OutOfRange);

/// <summary>Names of the columns that stand beside those of training.</summary>
/// <param name="Prediction">What was predicted, as text.</param>
/// <param name="Probability">Classes: how probable that is, of two the positive one.</param>
internal sealed record LiveColumns(string Prediction, string Probability)
{
    /// <summary>Names that no column of a table has.</summary>
    public static LiveColumns Beside(DatasetManifest train)
    {
        var taken = train.Columns.Select(column => column.Name).Concat(FeaturePlan.Of(train).Derived.Select(feature => feature.Name))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        return new LiveColumns(Free(LoggedRow.Prediction), Free(LoggedRow.Probability));

        string Free(string name)
        {
            while (!taken.Add(name))
            {
                name += "_";
            }
            return name;
        }
    }
}
