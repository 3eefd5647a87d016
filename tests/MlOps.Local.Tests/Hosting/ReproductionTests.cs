using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Local.Tests.Processes;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Local.Tests.Hosting;

/// <summary>Runs that are run again over HTTP, on real hosts: what comes of it, and what is left of it.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class ReproductionTests(AzuriteFixture azurite) : IDisposable
{
    private const string Model = "trips";
    private const string File = "may.csv";

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-reproduced-").FullName;

    private string Data => Path.Combine(folder, "data");

    /// <summary>Where the host makes what is only for the moment.</summary>
    private string Temporary => Directory.CreateDirectory(Path.Combine(folder, "tmp")).FullName;

    private IReadOnlyList<string> Scratch => Directory.GetDirectories(Temporary, "mlops-reproduce-*");

    [UnixFact]
    public async Task A_run_comes_to_the_same_and_one_that_was_altered_does_not()
    {
        await using var host = await StartAsync();
        var run = await TrainAsync(host);
        (await FailAsync(host, HttpMethod.Get, run, HttpStatusCode.NotFound)).Should().Contain("Nobody has asked");
        var runs = (await host.GetAsync("/runs")).GetProperty("runs").GetArrayLength();

        var asked = await host.SendAsync(HttpMethod.Post, PathOf(run));
        var again = await host.SendAsync(HttpMethod.Post, PathOf(run));
        var same = await EndOfAsync(host, run);
        await AlterAsync(host, run, "drift_validation_share");
        await host.SendAsync(HttpMethod.Post, PathOf(run));
        var different = await EndOfAsync(host, run);

        asked.GetProperty("state").GetString().Should().Be("running");
        again.ToString().Should().Be(asked.ToString(), "the same goes on");
        same.GetProperty("state").GetString().Should().Be("same", same.ToString());
        same.GetProperty("facts").GetInt32().Should().BeGreaterThan(10);
        same.GetProperty("text").GetString().Should().MatchRegex("^The same: [0-9]{2,} facts compared ");
        same.GetProperty("started").GetDateTimeOffset().Should().Be(asked.GetProperty("started").GetDateTimeOffset())
            .And.BeBefore(same.GetProperty("ended").GetDateTimeOffset());
        same.GetProperty("by").GetString().Should().Be("local");
        different.GetProperty("state").GetString().Should().Be("different", different.ToString());
        var difference = different.GetProperty("difference");
        (difference.GetProperty("what").GetString(), difference.GetProperty("was").GetString()).Should().Be(("metric drift_validation_share", "123.5"));
        different.GetProperty("text").GetString().Should()
            .Be($"Not the same. The first difference: metric drift_validation_share was 123.5, and is {difference.GetProperty("is").GetString()} now.");
        Scratch.Should().BeEmpty("what was made for it is gone");
        (await host.GetAsync("/runs")).GetProperty("runs").GetArrayLength().Should().Be(runs, "nothing in the host's own storage is another run");
    }

    [UnixFact]
    public async Task What_cannot_be_run_again_is_refused_and_another_run_waits()
    {
        await using var host = await StartAsync();
        var run = await TrainAsync(host);
        await host.UploadAsync(Model, "poison.csv", "\0\u0001 this is no table"u8.ToArray());
        var unread = await host.RunAsync(Model, "poison.csv");
        await host.EndOfAsync(unread);
        var scored = await StartRunAsync(host, $"/models/{Model}/score", new { source = $"raw/{Model}/{File}" });

        (await FailAsync(host, HttpMethod.Post, $"{Model}-20260101000000000-abcdef", HttpStatusCode.NotFound)).Should().Contain("There is no run");
        (await FailAsync(host, HttpMethod.Post, unread, HttpStatusCode.BadRequest)).Should().Contain($"Run '{unread}' read no table");
        (await FailAsync(host, HttpMethod.Post, scored, HttpStatusCode.BadRequest)).Should().Contain("scored a table").And.Contain("'data diff'");
        await host.SendAsync(HttpMethod.Post, PathOf(run));
        (await FailAsync(host, HttpMethod.Post, scored, HttpStatusCode.Conflict)).Should().Contain($"reproducing run '{run}'");
        (await EndOfAsync(host, run)).GetProperty("state").GetString().Should().Be("same");
    }

    [UnixFact]
    public async Task A_run_that_only_ingested_is_reproduced_without_a_training()
    {
        await using var host = await StartAsync();
        var trained = await TrainAsync(host);
        var ingested = await StartRunAsync(host, $"/pipelines/{Model}/runs", new { source = $"raw/{Model}/{File}", goal = "dataset" });
        await host.EndOfAsync(ingested);

        await host.SendAsync(HttpMethod.Post, PathOf(ingested));
        var same = await EndOfAsync(host, ingested);
        await host.SendAsync(HttpMethod.Post, PathOf(trained));
        var whole = await EndOfAsync(host, trained);

        same.GetProperty("state").GetString().Should().Be("same", same.ToString());
        same.GetProperty("facts").GetInt32().Should().BeInRange(1, whole.GetProperty("facts").GetInt32() - 1);
    }

    [UnixFact]
    public async Task Hosts_on_one_account_know_of_each_others()
    {
        string[] account = ["--storage", azurite.ConnectionString];
        await using var first = await StartAsync(account);
        await using var second = await EmbeddedHost.StartAsync(Path.Combine(folder, "second"), new Dictionary<string, string?>(), account);
        var model = AzuriteFixture.UniqueModel("twice");
        var run = await TrainAsync(first, model);

        var asked = await first.SendAsync(HttpMethod.Post, PathOf(run));
        var told = await second.GetAsync(PathOf(run));
        var again = await second.SendAsync(HttpMethod.Post, PathOf(run));
        var ended = await EndOfAsync(second, run);

        told.ToString().Should().Be(asked.ToString());
        again.ToString().Should().Be(asked.ToString(), "it is not begun twice");
        ended.GetProperty("state").GetString().Should().Be("same", ended.ToString());
        ended.GetProperty("started").GetString().Should().Be(asked.GetProperty("started").GetString());
    }

    [UnixFact]
    public async Task A_host_that_ends_in_between_takes_it_along_and_says_so_later()
    {
        string run;
        await using (var stopped = await StartAsync())
        {
            run = await TrainAsync(stopped);
            await BeginAsync(stopped, run);
            await stopped.SignalAsync("TERM", Victims.Host);
            (await stopped.ExitCodeAsync()).Should().Be(0, stopped.Errors);
        }
        Scratch.Should().BeEmpty("a host that is stopped takes along what it has made");
        await using (var killed = await StartAsync())
        {
            var told = await killed.GetAsync(PathOf(run));
            told.GetProperty("state").GetString().Should().Be("failed");
            told.GetProperty("text").GetString().Should().Be($"The host was stopped in between. Ask for it again: POST {PathOf(run)}.");
            await BeginAsync(killed, run);
            await killed.KillAsync(Victims.Both);
        }
        var left = Scratch.Should().ContainSingle().Subject;
        Directory.SetLastWriteTimeUtc(left, DateTime.UtcNow.AddHours(-2));

        await using var host = await StartAsync();
        var broken = await host.GetAsync(PathOf(run));
        await host.SendAsync(HttpMethod.Post, PathOf(run));
        var ended = await EndOfAsync(host, run);

        broken.GetProperty("state").GetString().Should().Be("failed");
        broken.GetProperty("text").GetString().Should().StartWith("The host ended in between. Ask for it again");
        ended.GetProperty("state").GetString().Should().Be("same", ended.ToString());
        Scratch.Should().BeEmpty("what a killed host has left goes with the next reproduction");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static string PathOf(string run) => $"/runs/{run}/reproduction";

    private Task<EmbeddedHost> StartAsync(params string[] options) =>
        EmbeddedHost.StartAsync(Data, new Dictionary<string, string?> { ["TMPDIR"] = Temporary }, options);

    private async Task<string> TrainAsync(EmbeddedHost host, string model = Model)
    {
        await host.DeclareAsync(Trips.Definition(model, trees: 5));
        await host.UploadAsync(model, File, await System.IO.File.ReadAllBytesAsync(await Trips.WriteAsync(folder, rows: 300)));
        var run = await host.RunAsync(model, File);
        (await host.EndOfAsync(run)).GetProperty("state").GetString().Should().Be("succeeded");
        return run;
    }

    private static async Task<string> StartRunAsync(EmbeddedHost host, string path, object body) =>
        (await host.SendAsync(HttpMethod.Post, path, JsonContent.Create(body))).GetProperty("runId").GetString()!;

    /// <summary>Returns when it has a folder of its own, and so is at work.</summary>
    private async Task BeginAsync(EmbeddedHost host, string run)
    {
        await host.SendAsync(HttpMethod.Post, PathOf(run));
        await Eventually.IsTrueAsync(() => Scratch.Any(made => Directory.Exists(Path.Combine(made, "azurite"))), () => host.Errors);
    }

    private static async Task<JsonElement> EndOfAsync(EmbeddedHost host, string run)
    {
        JsonElement last = default;
        await Eventually.IsTrueAsync(
            async () => (last = await host.GetAsync(PathOf(run))).GetProperty("state").GetString() != "running",
            () => $"{last}\n{host.Errors}", TimeSpan.FromSeconds(120));
        return last;
    }

    private static async Task<string> FailAsync(EmbeddedHost host, HttpMethod method, string run, HttpStatusCode status)
    {
        using var request = new HttpRequestMessage(method, PathOf(run));
        using var answer = await host.Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.Should().Be(status, text);
        return JsonDocument.Parse(text).RootElement.GetProperty("detail").GetString()!;
    }

    /// <summary>Writes another number in place of a metric that the run has.</summary>
    private static async Task AlterAsync(EmbeddedHost host, string run, string metric)
    {
        var connection = host.Connection.Storage!;
        var runs = new RunStore(new PipelineStorage(new BlobServiceClient(connection), new TableServiceClient(connection)), TimeProvider.System);
        (await runs.FindDetailsAsync(run, default))!.Metrics.Should().ContainKey(metric);
        await runs.LogMetricsAsync(run, new Dictionary<string, double> { [metric] = 123.5 }, default);
    }
}
