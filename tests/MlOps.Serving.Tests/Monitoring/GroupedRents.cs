using System.Globalization;
using System.Text;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Serving.Tests.Monitoring;

/// <summary>Rents whose numbers have points between thousands and a decimal comma, with declared numbers for what is missing.</summary>
internal static class GroupedRents
{
    private static readonly NumberFormatInfo German = new() { NumberDecimalSeparator = ",", NumberGroupSeparator = "." };

    public static PipelineDefinition Definition() => DefinitionJson.Read($$"""
        { "model": "{{AzuriteFixture.UniqueModel()}}", "target": "rent",
          "columns": {
            "price": { "format": "1.234,5" },
            "rooms": { "nulls": ["-999"], "required": false },
            "code": { "kind": "categorical", "nulls": ["-1"], "required": false },
            "garden": { "kind": "boolean", "required": false },
            "rent": { "format": "1.234,5", "nulls": ["-999"] } },
          "train": { "folds": 0 }, "candidates": [{ "trainer": "lightgbm", "trees": 10 }] }
        """);

    public static string Csv(int rows)
    {
        var (random, csv) = (new Random(17), new StringBuilder("price;rooms;code;garden;rent\n"));
        for (var i = 0; i < rows; i++)
        {
            var price = Math.Round(10 + (random.NextDouble() * 5000), 3);
            csv.Append(German, $"{price:#,##0.000};{(i % 20 == 0 ? -999 : random.Next(1, 7))};{(i % 25 == 0 ? -1 : random.Next(5, 9))};");
            csv.Append(German, $"{(random.Next(2) == 0 ? "yes" : "no")};{(price * 2) + random.NextDouble():#,##0.00}\n");
        }
        return csv.ToString();
    }
}
