using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Scoring;

namespace MlOps.Pipeline.Stages.Score;

/// <summary>The columns of a scored table: those of the table as they are, then what is predicted.</summary>
/// <param name="All">All of them.</param>
/// <param name="Added">Those that scoring adds; the last is the problem.</param>
internal sealed record ScoreColumns(IReadOnlyList<DatasetColumn> All, IReadOnlyList<DatasetColumn> Added)
{
    /// <summary>The predicted value, or the predicted class as it stands in the data.</summary>
    public const string Prediction = "prediction";

    /// <summary>The probability of the positive class (binary), or of the predicted one (multiclass); before each class's name that of the class.</summary>
    public const string Probability = "probability";

    /// <summary>Why nothing is predicted of a row; null where something is.</summary>
    public const string Problem = "problem";

    public static ScoreColumns Of(IReadOnlyList<DatasetColumn> table, ModelScorer scorer)
    {
        IReadOnlyList<DatasetColumn> wanted =
        [
            scorer.Task == TaskKind.Regression ? Number(Prediction) : new DatasetColumn(Prediction, StorageType.Varchar, ColumnKind.Categorical),
            .. scorer.Task == TaskKind.Regression ? Array.Empty<DatasetColumn>() : [Number(Probability)],
            .. (scorer.Classes ?? []).Select(label => Number($"{Probability}_{label}")),
            new DatasetColumn(Problem, StorageType.Varchar, ColumnKind.Text),
        ];
        var names = ColumnNames.Unique([.. table.Concat(wanted).Select(column => column.Name)], warnings: []);
        IReadOnlyList<DatasetColumn> added = [.. wanted.Select((column, i) => column with { Name = names[table.Count + i] })];
        return new ScoreColumns([.. table, .. added], added);
    }

    /// <summary>The names of what is added within SQL, where those of the table do not matter.</summary>
    public IEnumerable<(string Place, DatasetColumn Column)> Places => Added.Select((column, i) => ($"c{Sql.Number((long)i)}", column));

    private static DatasetColumn Number(string name) => new(name, StorageType.Double, ColumnKind.Numeric);
}
