using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>The program on machines of other places: what it makes of a file does not change.</summary>
public sealed partial class MachineTests : IDisposable
{
    /// <summary>As many as it takes for text, table and training to be shared among the cores that there are.</summary>
    private const int Rows = 60_000;

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-machine-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [UnixFact]
    public async Task Time_zone_culture_and_cores_of_the_machine_and_name_and_folder_of_the_file_change_nothing()
    {
        // An hour that the clocks of New York skip, and one that they have twice; the letter whose capital is another one in Turkish.
        string[] cities = ["ISTANBUL", "istanbul", "İzmir", "Iğdır"];
        var rows = Enumerable.Range(0, Rows).Select(i => (At: new DateTime(2024, 3, 9).AddMinutes(37 * i), N: i % 7, City: cities[i % 4], Open: i % 3 == 0))
            .Select(row => string.Create(
                CultureInfo.InvariantCulture,
                $"{row.At:yyyy-MM-dd HH:mm},{row.N}.5,{row.City},{(row.Open ? "TRUE" : "FALSE")},{row.At.Hour + (3 * row.N) + row.City.Length}.25\n"));
        var csv = "AT,n,CITY,IsOpen,y\n" + string.Concat(rows);

        var usual = await TrainAsync(csv, Path.Combine("utc", "hourly.csv"), "UTC");

        (await TrainAsync(csv, Path.Combine("New York", "Fahrten März.txt"), "America/New_York", ("de_DE.UTF-8", 1))).Should().Equal(usual);
        (await TrainAsync(csv, Path.Combine("kolkata", "hourly-2.csv"), "Asia/Kolkata", ("tr_TR.UTF-8", 4))).Should().Equal(usual);
    }

    /// <summary>The inferred definition, metrics, dataset versions and predictions.</summary>
    /// <param name="csv">The file's content.</param>
    /// <param name="name">Where the file is to lie.</param>
    /// <param name="zone">The machine's time zone.</param>
    /// <param name="machine">Its culture and cores, on which the program works beside the file; null: as this machine is, in another folder.</param>
    private async Task<IReadOnlyList<string>> TrainAsync(string csv, string name, string zone, (string Culture, int Cores)? machine = null)
    {
        var file = Path.Combine(folder, name);
        var beside = Directory.CreateDirectory(Path.GetDirectoryName(file)!).FullName;
        await File.WriteAllTextAsync(file, csv);
        var environment = new Dictionary<string, string?> { ["TZ"] = zone };
        if (machine is { } other)
        {
            environment["LC_ALL"] = other.Culture;
            environment["DOTNET_PROCESSOR_COUNT"] = $"{other.Cores}";
        }
        await RunAsync("new", "hourly", Named(name), "--target", "y", "--out", Named("inferred.json"));
        var inferred = await File.ReadAllTextAsync(Path.Combine(beside, "inferred.json"));
        // What is tried is reading and predicting: folds and more candidates would learn the same again.
        var small = DefinitionJson.Read(inferred) with
        {
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 20 }],
            Train = new TrainRules { Folds = 0 },
        };
        await File.WriteAllTextAsync(Path.Combine(beside, "few.json"), DefinitionJson.Write(small));
        var trained = JsonNode.Parse(await RunAsync("train", Named(name), "--definition", Named("few.json"), "--json"))!;
        var metrics = trained["metrics"]!.AsObject().Where(metric => !metric.Key.Contains("seconds", StringComparison.Ordinal))
            .Select(metric => $"{metric.Key} {metric.Value}").ToList();
        metrics.Should().Contain(metric => metric.StartsWith("val_rmse ", StringComparison.Ordinal));
        var versions = DatasetVersion().Matches(await RunAsync("data", "--model", "hourly")).Select(version => version.Value).ToList();
        versions.Should().HaveCount(6, "a table of this size has test rows, too");
        var prediction = JsonNode.Parse(await RunAsync("predict", "AT=2024-03-10 02:30", "n=3.5", "CITY=Iğdır", "IsOpen=TRUE"))!;
        return [inferred, .. metrics, .. versions, prediction["prediction"]!.ToJsonString()];

        string Named(string path) => machine is null ? Path.Combine(beside, Path.GetFileName(path)) : Path.GetFileName(path);

        async Task<string> RunAsync(params string[] command)
        {
            // The program itself knows no cultures; the packages also run in programs that do.
            await using var process = machine is null
                ? LocalProcess.Start(environment, [.. command, "--data", Named("data")])
                : LocalProcess.StartWithCultures(beside, environment, [.. command, "--data", Named("data")]);
            (await process.ExitCodeAsync()).Should().Be(0, process.Errors);
            return process.Output;
        }
    }

    [GeneratedRegex("[0-9a-f]{32}")]
    private static partial Regex DatasetVersion();
}
