using System.Net.Http.Json;
using System.Text.Json;
using MlOps.Local.Storage;
using MlOps.Local.Tests.Processes;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>A running host, and commands beside it on the same data folder.</summary>
public sealed class HostTests : IAsyncLifetime, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-host-").FullName;
    private readonly HttpClient http = new();
    private LocalProcess host = null!;

    private string Data => Path.Combine(folder, "data");

    public async Task InitializeAsync()
    {
        host = LocalProcess.Start("up", "--port", "0", "--data", Data);
        await host.PrintedAsync("Serving on");
        http.BaseAddress = new Uri(DataFolder.FindHost(Data)!.Url!);
    }

    [Fact]
    public async Task Commands_work_beside_a_running_host()
    {
        var file = await Trips.WriteAsync(folder, rows: 400);
        string[] data = ["--data", Data];
        string[] train = ["train", file, "--definition", await Trips.WriteDefinitionAsync(folder, "trips"), .. data];
        string[] row = ["vendor=CITY", "passengers=2", "distance_km=5.5", "duration_min=17", "payment=card", "airport=false"];

        var second = await LocalProcess.RunAsync(["up", "--port", "0", .. data]);
        var first = await LocalCommand.RunAsync(train);
        var again = await LocalCommand.RunAsync(train);
        var runs = await LocalCommand.RunAsync(["runs", .. data]);
        var run = JsonDocument.Parse(await http.GetStringAsync("/models/trips/versions/1")).RootElement.GetProperty("runId").GetString()!;
        var log = await LocalCommand.RunAsync(["runs", run, "--log", "promote", "--follow", .. data]);
        var noLog = await LocalCommand.RunAsync(["runs", run, "--log", "promotion", .. data]);
        var noVersion = await LocalCommand.RunAsync(["promote", "trips", "9", .. data]);
        var promote = await LocalCommand.RunAsync(["promote", "trips", "2", .. data]);
        var predict = await LocalCommand.RunAsync(["predict", .. row, .. data]);
        var sure = await LocalCommand.RunAsync(["predict", "--interval", "0.9", .. row, .. data]);
        var wrong = await LocalCommand.RunAsync(["predict", "--features", """{"distance_km": "far"}""", .. data]);
        var doubtful = await LocalCommand.RunAsync(["rollback", "trips", .. data]);
        var rollback = await LocalCommand.RunAsync(["rollback", "trips", "--from", "2", .. data]);
        var twice = await LocalCommand.RunAsync(["rollback", "trips", "--from", "2", .. data]);
        var models = await LocalCommand.RunAsync(["models", .. data]);

        second.ExitCode.Should().Be(2);
        second.Errors.Should().Be($"The data folder {Data} is in use by another process (pid {host.Id}).");
        first.ExitCode.Should().Be(0, first.Errors);
        first.Output.Should().Contain("version 1: promoted");
        again.Output.Should().Contain("version 2: registered, not promoted");
        runs.Output.Should().Contain("succeeded").And.Contain("blocked");
        (log.ExitCode, noLog.ExitCode).Should().Be((0, 2));
        log.Output.Should().MatchRegex(@"Z INFO  started\n").And.Contain("registered as version 1").And.EndWith(" rows");
        noLog.Errors.Should().Contain("There is no stage 'promotion'. Stages are ingest, ");
        (noVersion.ExitCode, promote.ExitCode, rollback.ExitCode).Should().Be((1, 0, 0));
        predict.ExitCode.Should().Be(0, predict.Errors);
        JsonDocument.Parse(predict.Output).RootElement.GetProperty("version").GetInt32().Should().Be(2);
        var (answer, interval) = (JsonDocument.Parse(sure.Output).RootElement, JsonDocument.Parse(sure.Output).RootElement.GetProperty("interval"));
        answer.GetProperty("prediction").GetDouble().Should().BeInRange(interval.GetProperty("low").GetDouble(), interval.GetProperty("high").GetDouble());
        predict.Output.Should().NotContain("interval");
        wrong.ExitCode.Should().Be(1);
        wrong.Errors.Should().Contain("distance_km").And.Contain("vendor");
        doubtful.ExitCode.Should().Be(1);
        doubtful.Errors.Should().Contain("Version 2 of 'trips' is in production. Say that it is the one to leave: rollback trips --from 2");
        rollback.Output.Should().Contain("version 1 is in production again");
        twice.Output.Should().Be(rollback.Output, twice.Errors);
        models.Output.Should().Contain("production");
    }

    [Fact]
    public async Task What_is_not_wanted_is_deleted_as_the_refusals_say_and_lists_go_on_where_they_say()
    {
        string[] data = ["--data", Data];
        var file = await Trips.WriteAsync(folder, rows: 400);
        string[] train = ["train", file, "--definition", await Trips.WriteDefinitionAsync(folder, "trips"), .. data];
        (await LocalCommand.RunAsync(train)).ExitCode.Should().Be(0);
        (await LocalCommand.RunAsync(train)).ExitCode.Should().Be(0);
        var listed = await LocalCommand.RunAsync(["runs", "--take", "1", .. data]);
        var next = listed.Output.Split("--next ")[1].Split(' ')[0];
        var older = await LocalCommand.RunAsync(["runs", "--next", next, .. data]);
        var run = JsonDocument.Parse(await http.GetStringAsync("/models/trips/versions/1")).RootElement.GetProperty("runId").GetString()!;

        var refused = await LocalCommand.RunAsync(["delete", "run", run, .. data]);
        var serving = await LocalCommand.RunAsync(["delete", "model", "trips", .. data]);
        var alias = await LocalCommand.RunAsync(["delete", "alias", "trips", "production", .. data]);
        var model = await LocalCommand.RunAsync(["delete", "model", "trips", .. data]);
        var deleted = await LocalCommand.RunAsync(["delete", "run", run, .. data]);
        var again = await LocalCommand.RunAsync(["delete", "run", run, .. data]);
        var definition = await LocalCommand.RunAsync(["delete", "definition", "trips", .. data]);
        var noFile = await LocalCommand.RunAsync(["delete", "file", "trips", "no.csv", .. data]);
        var doctor = await LocalCommand.RunAsync(["doctor", .. data]);

        listed.Output.Should().NotContain(run).And.Contain("--all");
        older.Output.Should().Contain(run).And.NotContain("--next");
        (refused.ExitCode, refused.Errors).Should().Be((1, $"Run '{run}' registered version 1 of model 'trips', which is explained by it. Delete the version "
            + "first: DELETE /models/trips/versions/1, or 'delete version trips 1'."));
        serving.Errors.Should().Contain("'delete alias trips production'");
        new[] { alias, model, deleted, definition }.Should().OnlyContain(done => done.ExitCode == 0);
        deleted.Output.Should().Contain($"Deleted run {run}.");
        (again.ExitCode, again.Errors).Should().Be((1, $"There is no run {run}."));
        (noFile.ExitCode, noFile.Errors).Should().Be((1, "There is no file raw/trips/no.csv."));
        doctor.ExitCode.Should().Be(0, doctor.Output);
    }

    [Fact]
    public async Task A_file_that_is_uploaded_starts_a_run_whose_model_is_served()
    {
        var definition = Trips.Definition("dropped") with { RunOn = new TriggerRules(NewFile: true) };
        var put = await http.PutAsync("/pipelines/dropped", new StringContent(DefinitionJson.Write(definition), System.Text.Encoding.UTF8, "application/json"));
        put.IsSuccessStatusCode.Should().BeTrue(await put.Content.ReadAsStringAsync());

        await using (var file = File.OpenRead(await Trips.WriteAsync(folder, rows: 400)))
        {
            (await http.PutAsync("/raw/dropped/may.csv", new StreamContent(file))).EnsureSuccessStatusCode();
        }

        await Eventually.IsTrueAsync(
            async () => (await http.GetAsync("/models/dropped")).IsSuccessStatusCode
                && (await http.GetStringAsync("/models/dropped")).Contains("\"production\"", StringComparison.Ordinal),
            deadline: TimeSpan.FromSeconds(60));
        var features = new { vendor = "CITY", passengers = 2, distance_km = 5.5, duration_min = 17, payment = "card", airport = false };
        var row = new { model = "dropped", features };
        using var answer = await http.PostAsJsonAsync("/predict", row);
        answer.IsSuccessStatusCode.Should().BeTrue(await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_file_of_a_model_that_does_not_train_on_new_files_is_ingested_and_no_more()
    {
        await using (var file = File.OpenRead(await Trips.WriteAsync(folder, rows: 400)))
        {
            (await http.PutAsync("/raw/dropped/may.csv", new StreamContent(file))).EnsureSuccessStatusCode();
        }
        (await http.PutAsync("/pipelines/dropped", new StringContent(DefinitionJson.Write(Trips.Definition("dropped"))))).EnsureSuccessStatusCode();

        var body = "";
        await Eventually.IsTrueAsync(
            async () => (body = await http.GetStringAsync("/runs?model=dropped")).Contains("\"state\":\"succeeded\"", StringComparison.Ordinal), () => body);
        var listed = await LocalCommand.RunAsync(["runs", "--data", Data]);

        var run = JsonDocument.Parse(body).RootElement.GetProperty("runs").EnumerateArray().Single();
        run.GetProperty("goal").GetString().Should().Be("dataset");
        run.GetProperty("dataset").GetString().Should().HaveLength(32);
        (await http.GetAsync("/models/dropped")).StatusCode.Should().Be(System.Net.HttpStatusCode.NotFound);
        listed.Output.Should().Contain("ingested");
    }

    [UnixFact]
    public async Task A_terminated_host_ends_well_and_frees_the_folder()
    {
        (await http.GetAsync("/health")).EnsureSuccessStatusCode();

        await host.SignalAsync("TERM");

        (await host.ExitCodeAsync()).Should().Be(0, host.Errors);
        using var free = DataFolder.Open(Data);
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    public void Dispose() => http.Dispose();
}
