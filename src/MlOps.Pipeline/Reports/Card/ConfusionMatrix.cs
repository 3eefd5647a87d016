using System.Globalization;
using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Reports.Card;

/// <summary>How well one class is predicted.</summary>
/// <param name="Name">The class.</param>
/// <param name="Rows">Rows that are of it.</param>
/// <param name="Predicted">Rows that are predicted as it.</param>
/// <param name="Hits">Rows that are both.</param>
public sealed record ClassQuality(string Name, int Rows, int Predicted, int Hits)
{
    /// <summary>Of the rows predicted as it the share that is of it; NaN: none is predicted so.</summary>
    public double Precision => (double)Hits / Predicted;

    /// <summary>Of its rows the share that is predicted so; NaN: it has no rows.</summary>
    public double Recall => (double)Hits / Rows;

    /// <summary>The harmonic mean of both; NaN: it neither occurs nor is predicted.</summary>
    public double F1 => 2.0 * Hits / (Rows + Predicted);
}

/// <summary>How often which class was taken for which.</summary>
/// <param name="Classes">The classes, in order.</param>
/// <param name="Counts">Rows by true class, then by predicted class.</param>
public sealed record ConfusionMatrix(IReadOnlyList<string> Classes, int[][] Counts)
{
    /// <param name="classes">The classes, in order.</param>
    /// <param name="labels">The place of each row's class; NaN: none of them.</param>
    /// <param name="probabilities">Row after row, the probability of each class.</param>
    public static ConfusionMatrix Of(IReadOnlyList<string> classes, double[] labels, double[] probabilities)
    {
        int[][] counts = [.. classes.Select(_ => new int[classes.Count])];
        for (var row = 0; row < labels.Length; row++)
        {
            if (!double.IsNaN(labels[row]))
            {
                counts[(int)labels[row]][ClassProbabilities.MostProbable(probabilities.AsSpan(row * classes.Count, classes.Count))]++;
            }
        }
        return new ConfusionMatrix(classes, counts);
    }

    /// <summary>Every class, in order.</summary>
    public IReadOnlyList<ClassQuality> Qualities =>
        [.. Classes.Select((name, place) => new ClassQuality(name, Counts[place].Sum(), Counts.Sum(row => row[place]), Counts[place][place]))];

    /// <summary>The classes with the most rows, in order.</summary>
    public ConfusionMatrix Largest(int most)
    {
        if (Classes.Count <= most)
        {
            return this;
        }
        int[] kept = [.. Enumerable.Range(0, Classes.Count).OrderByDescending(place => Counts[place].Sum()).Take(most).Order()];
        return new ConfusionMatrix([.. kept.Select(place => Classes[place])], [.. kept.Select(row => kept.Select(column => Counts[row][column]).ToArray())]);
    }

    /// <summary>As CSV (RFC 4180): a row for each true class, a column for each predicted one.</summary>
    public BinaryData ToCsv()
    {
        var csv = new StringBuilder("true class");
        foreach (var name in Classes)
        {
            csv.Append(',').Append(CsvCell.Of(name));
        }
        csv.Append('\n');
        for (var row = 0; row < Classes.Count; row++)
        {
            csv.Append(CsvCell.Of(Classes[row]));
            foreach (var count in Counts[row])
            {
                csv.Append(CultureInfo.InvariantCulture, $",{count}");
            }
            csv.Append('\n');
        }
        return BinaryData.FromString(csv.ToString());
    }
}
