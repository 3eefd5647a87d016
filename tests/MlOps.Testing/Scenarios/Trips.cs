using System.Globalization;
using System.Text;
using MlOps.Pipeline.Definitions;

namespace MlOps.Testing.Scenarios;

/// <summary>A small made-up table of taxi trips, the same for the same seed.</summary>
public static class Trips
{
    public const string Header = "vendor,passengers,seconds,miles,payment,fare";

    public static string Csv(int rows, int seed = 1, double noise = 0.5)
    {
        var random = new Random(seed);
        var csv = new StringBuilder(Header).Append('\n');
        for (var i = 0; i < rows; i++)
        {
            var miles = Math.Round(0.3 + (random.NextDouble() * 12), 2);
            var seconds = (int)(miles * (120 + (random.NextDouble() * 120)));
            var fare = Math.Round(2.5 + (2.1 * miles) + (seconds * 0.004) + (noise * random.NextDouble()), 2);
            var vendor = random.Next(3) switch { 0 => "VTS", 1 => "CMT", _ => "DDS" };
            csv.Append(CultureInfo.InvariantCulture, $"{vendor},{random.Next(1, 6)},{seconds},{miles},{(random.Next(2) == 0 ? "CRD" : "CSH")},{fare}\n");
        }
        return csv.ToString();
    }

    /// <summary>Without folds, which would train everything six times: a test of folds sets <see cref="PipelineDefinition.Train"/> itself.</summary>
    public static PipelineDefinition Definition(string? model = null) => new()
    {
        Model = model ?? AzuriteFixture.UniqueModel(),
        Target = "fare",
        Features = new FeatureRules { Interactions = [["seconds", "miles"]] },
        Train = new TrainRules { Folds = 0 },
        Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 20 }],
    };
}
