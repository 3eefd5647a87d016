using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>The program on machines of other places: what it makes of a file does not change.</summary>
public sealed partial class MachineTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-machine-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [UnixFact]
    public async Task Time_zone_and_culture_of_the_machine_change_nothing()
    {
        var file = Path.Combine(folder, "hourly.csv");
        // An hour that the clocks of New York skip, and one that they have twice; the letter whose capital is another one in Turkish.
        string[] cities = ["ISTANBUL", "istanbul", "İzmir", "Iğdır"];
        var rows = Enumerable.Range(0, 300).Select(i => (At: new DateTime(2024, 3, 9).AddMinutes(37 * i), N: i % 7, City: cities[i % 4], Open: i % 3 == 0))
            .Select(row => string.Create(
                CultureInfo.InvariantCulture,
                $"{row.At:yyyy-MM-dd HH:mm},{row.N}.5,{row.City},{(row.Open ? "TRUE" : "FALSE")},{row.At.Hour + (3 * row.N) + row.City.Length}.25\n"));
        await File.WriteAllTextAsync(file, "AT,n,CITY,IsOpen,y\n" + string.Concat(rows));

        var usual = await TrainAsync(file, "UTC", null);

        (await TrainAsync(file, "America/New_York", "de_DE.UTF-8")).Should().Equal(usual);
        (await TrainAsync(file, "Asia/Kolkata", "tr_TR.UTF-8")).Should().Equal(usual);
    }

    /// <summary>The inferred definition, metrics, dataset versions and predictions.</summary>
    private async Task<IReadOnlyList<string>> TrainAsync(string file, string zone, string? culture)
    {
        var data = Path.Combine(folder, zone.Replace('/', '-'));
        var machine = new Dictionary<string, string?> { ["TZ"] = zone };
        if (culture is not null)
        {
            machine["LC_ALL"] = culture;
        }
        var (inferred, few) = (Path.Combine(folder, $"{Path.GetFileName(data)}.json"), Path.Combine(folder, $"{Path.GetFileName(data)}-few.json"));
        await RunAsync("new", "hourly", file, "--target", "y", "--out", inferred);
        var definition = DefinitionJson.Read(await File.ReadAllTextAsync(inferred));
        // What is tried is reading and predicting: folds and more candidates would learn the same again.
        var small = definition with
        {
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 20 }],
            Train = new TrainRules { Folds = 0 },
        };
        await File.WriteAllTextAsync(few, DefinitionJson.Write(small));
        var trained = JsonNode.Parse(await RunAsync("train", file, "--definition", few, "--json"))!;
        var metrics = trained["metrics"]!.AsObject().Where(metric => !metric.Key.Contains("seconds", StringComparison.Ordinal))
            .Select(metric => $"{metric.Key} {metric.Value}").ToList();
        metrics.Should().Contain(metric => metric.StartsWith("val_rmse ", StringComparison.Ordinal));
        var versions = DatasetVersion().Matches(await RunAsync("data", "--model", "hourly")).Select(version => version.Value).ToList();
        versions.Should().HaveCount(5);
        var prediction = JsonNode.Parse(await RunAsync("predict", "AT=2024-03-10 02:30", "n=3.5", "CITY=Iğdır", "IsOpen=TRUE"))!;
        return [await File.ReadAllTextAsync(inferred), .. metrics, .. versions, prediction["prediction"]!.ToJsonString()];

        async Task<string> RunAsync(params string[] command)
        {
            // The program itself knows no cultures; the packages also run in programs that do.
            await using var process = culture is null
                ? LocalProcess.Start(machine, [.. command, "--data", data])
                : LocalProcess.StartWithCultures(Path.Combine(folder, "cultures.json"), machine, [.. command, "--data", data]);
            (await process.ExitCodeAsync()).Should().Be(0, process.Errors);
            return process.Output;
        }
    }

    [GeneratedRegex("[0-9a-f]{32}")]
    private static partial Regex DatasetVersion();
}
