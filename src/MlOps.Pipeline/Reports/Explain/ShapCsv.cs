using System.Globalization;
using System.Text;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Reports.Explain;

/// <summary>SHAP values as CSV (RFC 4180): a row per explained row, its prediction and base value first (of several classes the
/// predicted one before them, whose score is explained), then a column per feature in the signature's
/// order.</summary>
internal static class ShapCsv
{
    public static BinaryData Write(ExplanationData data)
    {
        var features = data.Features.OrderBy(feature => feature.Place).ToList();
        var csv = new StringBuilder(data.Predicted is null ? "prediction,base_value" : "class,prediction,base_value");
        foreach (var feature in features)
        {
            csv.Append(',').Append(CsvCell.Of(feature.Name));
        }
        csv.Append('\n');
        for (var row = 0; row < data.Predictions.Length; row++)
        {
            if (data.Predicted is { } predicted)
            {
                csv.Append(CsvCell.Of(predicted[row])).Append(',');
            }
            csv.Append(CultureInfo.InvariantCulture, $"{data.Predictions[row]:G9},{data.BaseValues[row]:G9}");
            foreach (var feature in features)
            {
                csv.Append(CultureInfo.InvariantCulture, $",{feature.Contributions[row]:G9}");
            }
            csv.Append('\n');
        }
        return BinaryData.FromString(csv.ToString());
    }
}
