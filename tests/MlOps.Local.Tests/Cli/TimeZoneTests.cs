using System.Globalization;
using System.Text.Json.Nodes;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>The program on machines of other time zones: what it makes of a file with dates in it does not change.</summary>
public sealed class TimeZoneTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-zone-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [UnixFact]
    public async Task The_time_zone_of_the_machine_changes_nothing()
    {
        var file = Path.Combine(folder, "hourly.csv");
        // An hour that the clocks of New York skip, and one that they have twice.
        var rows = Enumerable.Range(0, 300).Select(i => (At: new DateTime(2024, 3, 9).AddMinutes(37 * i), N: i % 7))
            .Select(row => string.Create(CultureInfo.InvariantCulture, $"{row.At:yyyy-MM-dd HH:mm},{row.N},{row.At.Hour + (3 * row.N)}\n"));
        await File.WriteAllTextAsync(file, "at,n,y\n" + string.Concat(rows));

        var utc = await TrainAsync(file, "UTC");

        foreach (var zone in new[] { "America/New_York", "Asia/Kolkata" })
        {
            (await TrainAsync(file, zone)).Should().Equal(utc, $"of {zone}");
        }
    }

    private async Task<IReadOnlyDictionary<string, double>> TrainAsync(string file, string zone)
    {
        var data = Path.Combine(folder, zone.Replace('/', '-'));
        await using var process = LocalProcess.Start(
            new Dictionary<string, string?> { ["TZ"] = zone }, "train", file, "--target", "y", "--json", "--data", data);
        (await process.ExitCodeAsync()).Should().Be(0, process.Errors);
        return JsonNode.Parse(process.Output)!["metrics"]!.AsObject().Where(metric => !metric.Key.Contains("seconds", StringComparison.Ordinal))
            .ToDictionary(
                metric => metric.Key, metric => metric.Value!.GetValueKind() == System.Text.Json.JsonValueKind.Number ? (double)metric.Value : double.NaN);
    }
}
