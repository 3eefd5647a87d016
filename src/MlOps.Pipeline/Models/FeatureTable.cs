using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Pipeline.Models;

/// <summary>
/// The rows of a dataset version as a model sees them, in memory column by column: 4 bytes a number, 4 bytes a category, whatever the
/// number of categories.
/// </summary>
internal sealed class FeatureTable
{
    /// <summary>Share of training rows that early stopping watches instead of learning from.</summary>
    private const double InnerShare = 0.1;

    private FeatureTable(Featurizer featurizer, int rows)
    {
        Featurizer = featurizer;
        Rows = rows;
        Numbers = [.. featurizer.Direct.Where(input => input.Categories is null).Select(_ => new float[rows]), .. featurizer.Derived.Select(_ => new float[rows])];
        Codes = [.. featurizer.Direct.Where(input => input.Categories is not null).Select(_ => new int[rows])];
        Labels = new float[rows];
        Inner = new bool[rows];
    }

    public Featurizer Featurizer { get; }

    public int Rows { get; }

    /// <summary>Numeric slots, in order; NaN is missing.</summary>
    public float[][] Numbers { get; }

    /// <summary>Index of the category of each categorical column, in order; −1 is none of them.</summary>
    public int[][] Codes { get; }

    /// <summary>The target: its value, or 1 for positive and 0 for negative.</summary>
    public float[] Labels { get; }

    /// <summary>True for the rows of the inner validation split.</summary>
    public bool[] Inner { get; }

    /// <summary>Reads a table through DuckDB.</summary>
    /// <exception cref="InputException">The table lacks columns that the featurizer needs; all are named.</exception>
    public static FeatureTable Load(DuckDbSession session, LocalTable table, Featurizer featurizer)
    {
        var columns = table.Manifest.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
        var missing = featurizer.Inputs.Select(input => input.Name).Append(featurizer.Target.Name).Where(name => !columns.ContainsKey(name)).ToList();
        if (missing.Count > 0)
        {
            throw new InputException([.. missing.Select(name => $"Column '{name}' is missing in the data.")]);
        }
        if (table.Manifest.Rows > Array.MaxLength)
        {
            throw new InputException($"The table has {table.Manifest.Rows} rows; training takes at most {Array.MaxLength}. Train on a sample.");
        }
        var loaded = new FeatureTable(featurizer, (int)table.Manifest.Rows);
        var query = $"SELECT {string.Join(", ", Cells(table.Manifest, columns, featurizer))} FROM {table.ToSql()}";
        var start = 0;
        session.Read(query, (vectors, rows) =>
        {
            loaded.Fill(vectors, start, rows);
            start += rows;
        });
        return start == loaded.Rows ? loaded : throw new InvalidOperationException($"Dataset version {table.Manifest.Id} has {start} rows, its manifest says {loaded.Rows}.");
    }

    /// <summary>A table of one number and its double, for trying a trainer out.</summary>
    public static FeatureTable MadeUp(int rows)
    {
        var input = new FeatureInput("x", StorageType.Double, ColumnKind.Numeric, Optional: false, Imputed: null, Categories: null);
        var table = new FeatureTable(new Featurizer(new TargetColumn("y", TaskKind.Regression), Threshold: 0.5, [input], []), rows);
        for (var i = 0; i < rows; i++)
        {
            table.Numbers[0][i] = i % 100;
            table.Labels[i] = 2 * (i % 100);
        }
        return table;
    }

    /// <summary>A copy of some rows, in the given order.</summary>
    public FeatureTable Take(int[] rows)
    {
        var taken = new FeatureTable(Featurizer, rows.Length);
        Copy(Numbers, taken.Numbers);
        Copy(Codes, taken.Codes);
        Copy([Labels], [taken.Labels]);
        Copy([Inner], [taken.Inner]);
        return taken;

        void Copy<T>(T[][] from, T[][] to)
        {
            for (var column = 0; column < from.Length; column++)
            {
                for (var row = 0; row < rows.Length; row++)
                {
                    to[column][row] = from[column][rows[row]];
                }
            }
        }
    }

    private static IEnumerable<string> Cells(DatasetManifest manifest, Dictionary<string, DatasetColumn> columns, Featurizer featurizer)
    {
        var types = columns.ToDictionary(column => column.Key, column => column.Value.Type, StringComparer.Ordinal);
        foreach (var input in featurizer.Direct.Where(input => input.Categories is null))
        {
            yield return FloatSql(columns[input.Name].Type == StorageType.Boolean ? $"{Sql.Name(input.Name)}::INTEGER" : Sql.Name(input.Name));
        }
        foreach (var feature in featurizer.Derived)
        {
            yield return FloatSql(columns.ContainsKey(feature.Name) ? Sql.Name(feature.Name) : FeatureSql.Of(feature, types));
        }
        foreach (var input in featurizer.Direct.Where(input => input.Categories is not null))
        {
            yield return CodeSql(Sql.Name(input.Name), input.Categories!);
        }
        var target = featurizer.Target;
        yield return target.Task == TaskKind.Binary ? $"({TargetColumn.TextSql(columns[target.Name])} = {Sql.Text(target.Positive!)})::INTEGER::FLOAT" : FloatSql(Sql.Name(target.Name));
        yield return InnerSql(manifest.Selection);
    }

    private static string FloatSql(string expression) => $"TRY_CAST({expression} AS FLOAT)";

    private static string CodeSql(string name, IReadOnlyList<string> categories) => categories.Count == 0
        ? "-1::INTEGER"
        : $"coalesce(enum_code(TRY_CAST({name}::VARCHAR AS ENUM({string.Join(", ", categories.Select(Sql.Text))})))::INTEGER, -1)";

    /// <summary>The inner split follows the outer one: by row or group with another seed, or the latest of the training rows.</summary>
    private static string InnerSql(RowSelection? selection) => selection switch
    {
        null or { Side: SplitSide.Validation } => "false",
        { Time: { } time } => $"coalesce({RowSelection.TimeSql(time)} > quantile_disc({RowSelection.TimeSql(time)}, {Sql.Number(1 - InnerShare)}) OVER (), false)",
        _ => $"{RowSelection.UnitSql(selection.Group, unchecked(selection.Seed + 1) & long.MaxValue)} < {Sql.Number(InnerShare)}",
    };

    private void Fill(DuckVector[] vectors, int start, int rows)
    {
        var next = 0;
        foreach (var numbers in Numbers)
        {
            FillNumbers(vectors[next++], numbers.AsSpan(start, rows));
        }
        foreach (var codes in Codes)
        {
            vectors[next++].Values<int>(rows).CopyTo(codes.AsSpan(start, rows));
        }
        FillNumbers(vectors[next++], Labels.AsSpan(start, rows));
        vectors[next].Values<bool>(rows).CopyTo(Inner.AsSpan(start, rows));
    }

    private static void FillNumbers(DuckVector vector, Span<float> numbers)
    {
        vector.Values<float>(numbers.Length).CopyTo(numbers);
        for (var i = 0; i < numbers.Length; i++)
        {
            if (vector.IsNull(i))
            {
                numbers[i] = float.NaN;
            }
        }
    }
}
