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

        // The function: the same in the table that was learnt from and measured on, and for rows that callers send.
        var validation = await ExportAsync("validation");
        validation.Should().HaveCountGreaterThan(300).And.OnlyContain(row => Number(row, "trip_km") == KmOf(row));
        var (typed, texts) = (await PredictAsync(validation), await PredictAsync(validation, asTexts: true));
        var errors = typed.Zip(validation, (prediction, row) => prediction - Number(row, "fare")).ToList();
        Math.Sqrt(errors.Average(error => error * error)).Should()
            .BeApproximately(passed.GetProperty("metrics").GetProperty("val_rmse").GetDouble(), 1e-6);
        texts.Should().Equal(typed, (text, value) => Math.Abs(text - value) <= 1e-6, "the file's own cells mean the same");
        (await http.GetStringAsync("/models/rides/versions/1")).Should().Contain("trip_km");

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

    /// <summary>The cells of a table, as another command of the sample exports it.</summary>
    private async Task<IReadOnlyList<Dictionary<string, string>>> ExportAsync(string stage)
    {
        var file = Path.Combine(folder, $"{stage}.csv");
        await using var export = LocalProcess.StartProgram(
            Program, new Dictionary<string, string?>(), "data", "export", stage, "--model", "rides", "--out", file, "--data", Data);
        (await export.ExitCodeAsync()).Should().Be(0, export.Errors);
        var lines = (await File.ReadAllLinesAsync(file)).Select(line => line.Split(',')).ToList();
        return [.. lines[1..].Select(cells => lines[0].Zip(cells).ToDictionary(cell => cell.First, cell => cell.Second))];
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

    /// <param name="table">Rows of a file.</param>
    /// <param name="asTexts">Sends all cells as they stand there.</param>
    private async Task<IReadOnlyList<double>> PredictAsync(IReadOnlyList<Dictionary<string, string>> table, bool asTexts = false)
    {
        string[] inputs = ["vendor", "from_lat", "from_lon", "to_lat", "to_lon"];
        var rows = table.Select(row => inputs.ToDictionary(name => name, name => asTexts || name == "vendor" ? (object)row[name] : Number(row, name)));
        var answer = await http.PostAsJsonAsync("/predict", new { model = "rides", rows });
        answer.StatusCode.Should().Be(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        var predictions = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("predictions");
        return [.. predictions.EnumerateArray().Select(prediction => prediction.GetDouble())];
    }

    private async Task SendAsync(HttpMethod method, string path, string body, HttpStatusCode expected)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        var answer = await http.SendAsync(request);
        answer.StatusCode.Should().Be(expected, await answer.Content.ReadAsStringAsync());
    }

    private static string PathOf(JsonElement run) => $"/runs/{run.GetProperty("runId").GetString()}";

    private static double KmOf(Dictionary<string, string> row) =>
        Km(Number(row, "from_lat"), Number(row, "from_lon"), Number(row, "to_lat"), Number(row, "to_lon"));

    private static double Number(Dictionary<string, string> row, string name) => double.Parse(row[name], CultureInfo.InvariantCulture);

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
