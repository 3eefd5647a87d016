using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlOps.Local.Storage;
using MlOps.Samples.Extensions;
using MlOps.Testing;

namespace MlOps.Local.Tests.Extensions;

/// <summary>The sample <c>samples/Extensions</c> as a real process: a function, a trainer, a check and an alert channel that are not built in.</summary>
public sealed class SampleTests : IAsyncLifetime, IDisposable
{
    private const string Program = "MlOps.Samples.Extensions.dll";

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-sample-").FullName;
    private readonly HttpClient http = new();
    private LocalProcess host = null!;

    private string Data => Path.Combine(folder, "data");

    private string AlertFile => Path.Combine(folder, "alerts.log");

    public async Task InitializeAsync()
    {
        var environment = new Dictionary<string, string?> { ["ALERT_FILE"] = AlertFile, ["SLACK_WEBHOOK_URL"] = null };
        host = LocalProcess.StartProgram(Program, environment, "up", "--port", "0", "--data", Data);
        await host.PrintedAsync("Serving on");
        http.BaseAddress = new Uri(DataFolder.FindHost(Data)!.Url!);
    }

    [Fact]
    public async Task All_four_work_from_the_file_to_the_prediction()
    {
        var definition = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "rides.json")))!.AsObject();
        definition["candidates"] = JsonNode.Parse("""[{ "trainer": "gam", "options": { "iterations": 2000 } }]""");
        await SendAsync(HttpMethod.Put, "/pipelines/rides", definition.ToJsonString(), HttpStatusCode.Created);
        await SendAsync(HttpMethod.Put, "/raw/rides/rides.csv", Csv(2000, seed: 1), HttpStatusCode.Created);

        var passed = await RunAsync();
        definition["gates"]!["checks"]![0]!["options"]!["atMost"] = 0.001;
        await SendAsync(HttpMethod.Put, "/pipelines/rides", definition.ToJsonString(), HttpStatusCode.OK);
        var blocked = await RunAsync();

        // The trainer.
        passed.GetProperty("state").GetString().Should().Be("succeeded", passed.ToString());
        passed.GetProperty("params").GetProperty("winner").GetString().Should().Be("0-gam");
        passed.GetProperty("params").GetProperty("0-gam.iterations").GetString().Should().Be("2000");
        passed.GetProperty("metrics").GetProperty("0-gam.rmse").GetDouble().Should().BeInRange(0.01, 1.5);

        // The function: what a model that learnt from a table predicts of a single row follows its distance.
        (await PredictAsync(52.50, 13.30, 52.50, 13.30)).Should().BeApproximately(3, 1.5);
        (await PredictAsync(52.45, 13.25, 52.55, 13.45)).Should().BeApproximately(3 + (2 * Km(52.45, 13.25, 52.55, 13.45)), 3);
        var version = await http.GetFromJsonAsync<JsonElement>("/models/rides/versions/1");
        version.ToString().Should().Contain("trip_km");
        await TablesHaveTheSameDistanceAsync();

        // The check.
        passed.GetProperty("params").GetProperty("check.group-error").GetString().Should().Be("passed");
        blocked.GetProperty("state").GetString().Should().Be("blocked", blocked.ToString());
        var reasons = blocked.GetProperty("blockedBy").EnumerateArray().Select(reason => reason.GetString()).ToList();
        reasons.Should().HaveCount(3).And.OnlyContain(reason => reason!.StartsWith("group-error: the mean absolute error where vendor is "));
        var card = await http.GetStringAsync($"/runs/{blocked.GetProperty("runId").GetString()}/artifacts/model-card.md");
        card.Should().Contain("Check group-error").And.Contain("atMost 0.001");

        // The alert channel: each alert once.
        var lines = (await File.ReadAllLinesAsync(AlertFile)).Select(line => JsonNode.Parse(line)!).ToList();
        lines.Select(line => ((string)line["kind"]!, (string)line["path"]!)).Should().Equal(
            ("promotionSucceeded", PathOf(passed)), ("validationFailed", PathOf(blocked)), ("promotionBlocked", PathOf(blocked)));
        passed.GetProperty("alerts")[0].GetProperty("deliveries").EnumerateArray()
            .Select(delivery => (delivery.GetProperty("channel").GetString(), delivery.GetProperty("state").GetString()))
            .Should().BeEquivalentTo([("slack", "notSent"), ("file", "sent")]);
    }

    [Fact]
    public async Task What_the_host_does_not_have_is_refused_with_the_nearest_that_it_has()
    {
        var wrong = """
            { "target": "fare", "features": { "custom": [{ "name": "km", "function": "great_circle", "inputs": ["a", "b", "c", "d"] }] },
              "candidates": [{ "trainer": "gamm" }], "gates": { "checks": ["group-eror"] } }
            """;

        var answer = await http.PutAsync("/pipelines/rides", new StringContent(wrong, Encoding.UTF8, "application/json"));

        answer.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        var problems = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("problems").EnumerateArray().Select(problem => problem.GetString());
        problems.Should().Equal(
            "features.custom[0].function is 'great_circle', which this host does not have; did you mean 'great_circle_km'?",
            "candidates[0].trainer is 'gamm', which this host does not have; did you mean 'gam'?",
            "gates.checks[0] is 'group-eror', which this host does not have; did you mean 'group-error'?");
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    public void Dispose() => http.Dispose();

    /// <summary>The features table, as another command of the sample exports it, has what the function gives of each row.</summary>
    private async Task TablesHaveTheSameDistanceAsync()
    {
        var file = Path.Combine(folder, "features.csv");
        await using var export = LocalProcess.StartProgram(
            Program, new Dictionary<string, string?>(), "data", "export", "features", "--model", "rides", "--out", file, "--data", Data);
        (await export.ExitCodeAsync()).Should().Be(0, export.Errors);
        var lines = await File.ReadAllLinesAsync(file);
        var header = lines[0].Split(',').ToList();
        lines.Should().HaveCount(2001);
        foreach (var cells in lines[1..].Select(line => line.Split(',')))
        {
            double Cell(string name) => double.Parse(cells[header.IndexOf(name)], CultureInfo.InvariantCulture);
            Cell("trip_km").Should().Be(Km(Cell("from_lat"), Cell("from_lon"), Cell("to_lat"), Cell("to_lon")));
        }
    }

    private async Task<JsonElement> RunAsync()
    {
        var started = await http.PostAsync("/pipelines/rides/runs", content: null);
        started.StatusCode.Should().Be(HttpStatusCode.Accepted);
        var run = default(JsonElement);
        await Eventually.IsTrueAsync(
            async () =>
            {
                run = await http.GetFromJsonAsync<JsonElement>(started.Headers.Location);
                return run.GetProperty("state").GetString() is "succeeded" or "blocked" or "failed";
            },
            () => run.ToString());
        return run;
    }

    private async Task<double> PredictAsync(double fromLat, double fromLon, double toLat, double toLon)
    {
        var row = new { vendor = "CITY", from_lat = fromLat, from_lon = fromLon, to_lat = toLat, to_lon = toLon };
        var answer = await http.PostAsJsonAsync("/predict", new { model = "rides", features = row });
        answer.StatusCode.Should().Be(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("prediction").GetDouble();
    }

    private async Task SendAsync(HttpMethod method, string path, string body, HttpStatusCode expected)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        var answer = await http.SendAsync(request);
        answer.StatusCode.Should().Be(expected, await answer.Content.ReadAsStringAsync());
    }

    private static string PathOf(JsonElement run) => $"/runs/{run.GetProperty("runId").GetString()}";

    private static double Km(double fromLat, double fromLon, double toLat, double toLon) => new GreatCircle().Evaluate([fromLat, fromLon, toLat, toLon]);

    private static string Csv(int rows, int seed)
    {
        var random = new Random(seed);
        var csv = new StringBuilder("vendor,from_lat,from_lon,to_lat,to_lon,fare\n");
        for (var i = 0; i < rows; i++)
        {
            double Near(double middle, double width) => Math.Round(middle + (width * (random.NextDouble() - 0.5)), 5);
            var (fromLat, fromLon, toLat, toLon) = (Near(52.5, 0.2), Near(13.35, 0.3), Near(52.5, 0.2), Near(13.35, 0.3));
            var fare = 3 + (2 * Km(fromLat, fromLon, toLat, toLon)) + (random.NextDouble() * 0.4);
            var vendor = random.Next(3) switch { 0 => "CITY", 1 => "NIGHT", _ => "SPARE" };
            csv.Append(CultureInfo.InvariantCulture, $"{vendor},{fromLat},{fromLon},{toLat},{toLon},{fare:F2}\n");
        }
        return csv.ToString();
    }
}
