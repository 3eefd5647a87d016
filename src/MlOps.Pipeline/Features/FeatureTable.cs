using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Features;

/// <summary>
/// The rows of a dataset version as a model sees them, in memory column by column: 4 bytes a number, 4 bytes a category, whatever the
/// number of categories.
/// </summary>
internal sealed class FeatureTable
{
    private readonly IReadOnlyList<SlotSource> sources;

    private FeatureTable(Featurizer featurizer, int rows, bool isWeighted = false)
    {
        Featurizer = featurizer;
        Rows = rows;
        Numbers = [.. featurizer.NumberNames.Select(_ => new float[rows])];
        Codes = [.. featurizer.CategoryInputs.Select(_ => new int[rows])];
        Labels = new double[rows];
        Inner = new bool[rows];
        Draws = new float[rows];
        Weights = isWeighted ? new float[rows] : null;
        sources = featurizer.Sources;
    }

    public Featurizer Featurizer { get; }

    public int Rows { get; }

    /// <summary>Numeric slots, in order; NaN is missing.</summary>
    public float[][] Numbers { get; }

    /// <summary>Index of the category of each categorical column, in order; −1 is none of them.</summary>
    public int[][] Codes { get; }

    /// <summary>
    /// The target: its value in its own unit, 1 for positive and 0 for negative, or the place of its class; NaN is a class that the model does not know.
    /// </summary>
    public double[] Labels { get; }

    /// <summary>True for the rows of the inner validation split.</summary>
    public bool[] Inner { get; }

    /// <summary>
    /// A number of each training row in [0, 1) by which folds are cut, the same for the rows of a group; NaN where rows are not drawn: in the other sides,
    /// and in a split by time.
    /// </summary>
    public float[] Draws { get; }

    /// <summary>How much each training row counts in learning, 0 or more; null: each the same, as in every table that is not the training side.</summary>
    public float[]? Weights { get; }

    /// <summary>Reads a table through DuckDB.</summary>
    /// <exception cref="InputException">The table lacks columns that the featurizer needs; all are named.</exception>
    public static FeatureTable Load(DuckDbSession session, LocalTable table, Featurizer featurizer)
    {
        var loaded = Empty(table.Manifest, featurizer);
        var query = $"SELECT {string.Join(", ", FeatureTableSql.Cells(table.Manifest, featurizer))} FROM {table.ToSql()}";
        var start = 0;
        session.Read(query, (vectors, rows) =>
        {
            loaded.Fill(vectors, start, rows);
            start += rows;
        });
        return Checked(loaded, start, table.Manifest);
    }

    /// <summary>Reads both sides of a split by row or group in one pass over the table that they are views of.</summary>
    /// <inheritdoc cref="Load"/>
    public static (FeatureTable Train, FeatureTable Validation) LoadSides(DuckDbSession session, LocalTable train, LocalTable validation, Featurizer featurizer)
    {
        var (first, second) = (Empty(train.Manifest, featurizer), Empty(validation.Manifest, featurizer));
        var query =
            $"SELECT {validation.Manifest.Selection!.ToSql()}, {string.Join(", ", FeatureTableSql.Cells(train.Manifest, featurizer))} FROM "
                + $"{train.Parent!.ToSql()}{validation.Manifest.Selection.LearningSql()}";
        var (trained, held) = (0, 0);
        var places = (Train: Array.Empty<int>(), Validation: Array.Empty<int>());
        session.Read(query, (vectors, rows) =>
        {
            if (places.Train.Length < rows)
            {
                places = (new int[rows], new int[rows]);
            }
            var (trainRows, validationRows) = (0, 0);
            var sides = vectors[0].Values<bool>(rows);
            for (var i = 0; i < rows; i++)
            {
                if (sides[i])
                {
                    places.Validation[validationRows++] = i;
                }
                else
                {
                    places.Train[trainRows++] = i;
                }
            }
            first.Fill(vectors.AsSpan(1), trained, places.Train.AsSpan(0, trainRows), rows);
            second.Fill(vectors.AsSpan(1), held, places.Validation.AsSpan(0, validationRows), rows);
            (trained, held) = (trained + trainRows, held + validationRows);
        });
        // Only training rows have an inner split and draws.
        Array.Clear(second.Inner);
        Array.Fill(second.Draws, float.NaN);
        return (Checked(first, trained, train.Manifest), Checked(second, held, validation.Manifest));
    }

    private static FeatureTable Empty(DatasetManifest manifest, Featurizer featurizer)
    {
        var names = manifest.Columns.Select(column => column.Name).ToHashSet(StringComparer.Ordinal);
        var missing = featurizer.Inputs.Select(input => input.Name).Append(featurizer.Target.Name).Where(name => !names.Contains(name)).ToList();
        if (missing.Count > 0)
        {
            throw new InputException([.. missing.Select(name => $"Column '{name}' is missing in the data.")]);
        }
        return manifest.Rows <= Array.MaxLength
            ? new FeatureTable(featurizer, (int)manifest.Rows, featurizer.Weights is not null && manifest.Selection is { Side: SplitSide.Train })
            : throw new InputException($"The table has {manifest.Rows} rows; training takes at most {Array.MaxLength}. Set train.sample to "
                + "train on a sample of them.");
    }

    private static FeatureTable Checked(FeatureTable loaded, int rows, DatasetManifest manifest)
    {
        if (rows != loaded.Rows)
        {
            throw new InvalidOperationException($"Dataset version {manifest.Id} has {rows} rows, its manifest says {loaded.Rows}.");
        }
        if (loaded.Weights is not null && loaded.Featurizer.Weights == RowWeights.Balanced)
        {
            loaded.Balance();
        }
        else if (loaded.Weights is not null)
        {
            loaded.ScaleWeights();
        }
        return loaded;
    }

    /// <summary>Their mean becomes 1, so that regularisation weighs the same whatever their unit.</summary>
    private void ScaleWeights()
    {
        var counting = Weights!.Where(weight => weight > 0).ToList();
        if (counting.Count == 0)
        {
            throw new InputException($"Column '{Featurizer.Weights}' is the weights, and it is 0 in all training rows: there is nothing to learn from.");
        }
        var mean = counting.Average(weight => (double)weight);
        for (var row = 0; row < Rows; row++)
        {
            Weights![row] = (float)(Weights[row] / mean);
        }
    }

    private void Balance()
    {
        var known = Labels.Where(label => !double.IsNaN(label)).CountBy(label => label).ToDictionary();
        var each = known.Values.Sum() / (double)known.Count;
        for (var row = 0; row < Rows; row++)
        {
            Weights![row] = known.TryGetValue(Labels[row], out var count) ? (float)(each / count) : 0;
        }
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

    /// <summary>Copies rows of one slot of the feature vector (see <see cref="Featurizer.Slots"/>).</summary>
    public void CopySlot(int slot, int start, Span<float> values)
    {
        var (column, slotCategory) = sources[slot];
        if (slotCategory is not { } category)
        {
            Numbers[column].AsSpan(start, values.Length).CopyTo(values);
            return;
        }
        var codes = Codes[column].AsSpan(start, values.Length);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = codes[i] == category ? 1 : 0;
        }
    }

    /// <summary>A copy of some rows, in the given order.</summary>
    public FeatureTable Take(int[] rows)
    {
        var taken = new FeatureTable(Featurizer, rows.Length, Weights is not null);
        Copy(Numbers, taken.Numbers);
        Copy(Codes, taken.Codes);
        Copy([Labels], [taken.Labels]);
        Copy([Inner], [taken.Inner]);
        Copy([Draws], [taken.Draws]);
        if (Weights is not null)
        {
            Copy([Weights], [taken.Weights!]);
        }
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
        FillLabels(vectors[next++], Labels.AsSpan(start, rows));
        vectors[next++].Values<bool>(rows).CopyTo(Inner.AsSpan(start, rows));
        vectors[next++].Values<float>(rows).CopyTo(Draws.AsSpan(start, rows));
        if (Weights is not null && next < vectors.Length)
        {
            FillNumbers(vectors[next], Weights.AsSpan(start, rows));
        }
    }

    private void Fill(ReadOnlySpan<DuckVector> vectors, int start, ReadOnlySpan<int> places, int rows)
    {
        var next = 0;
        foreach (var numbers in Numbers)
        {
            FillNumbers(vectors[next++], numbers.AsSpan(start, places.Length), places, rows);
        }
        foreach (var codes in Codes)
        {
            Take(vectors[next++].Values<int>(rows), places, codes.AsSpan(start));
        }
        FillLabels(vectors[next++], Labels.AsSpan(start, places.Length), places, rows);
        Take(vectors[next++].Values<bool>(rows), places, Inner.AsSpan(start));
        Take(vectors[next++].Values<float>(rows), places, Draws.AsSpan(start));
        if (Weights is not null && next < vectors.Length)
        {
            FillNumbers(vectors[next], Weights.AsSpan(start, places.Length), places, rows);
        }
    }

    private static void FillNumbers(DuckVector vector, Span<float> numbers, ReadOnlySpan<int> places, int rows)
    {
        Take(vector.Values<float>(rows), places, numbers);
        for (var i = 0; i < places.Length; i++)
        {
            if (vector.IsNull(places[i]))
            {
                numbers[i] = float.NaN;
            }
        }
    }

    private static void FillLabels(DuckVector vector, Span<double> labels, ReadOnlySpan<int> places, int rows)
    {
        Take(vector.Values<double>(rows), places, labels);
        for (var i = 0; i < places.Length; i++)
        {
            if (vector.IsNull(places[i]))
            {
                labels[i] = double.NaN;
            }
        }
    }

    private static void FillLabels(DuckVector vector, Span<double> labels)
    {
        vector.Values<double>(labels.Length).CopyTo(labels);
        for (var i = 0; i < labels.Length; i++)
        {
            if (vector.IsNull(i))
            {
                labels[i] = double.NaN;
            }
        }
    }

    private static void Take<T>(ReadOnlySpan<T> values, ReadOnlySpan<int> places, Span<T> taken)
    {
        for (var i = 0; i < places.Length; i++)
        {
            taken[i] = values[places[i]];
        }
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
