using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Azure.Storage.Blobs;
using MlOps.Local.Cli;
using MlOps.Local.Tests.Processes;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;
using ProcessTrips = MlOps.Local.Tests.Processes.Trips;

namespace MlOps.Local.Tests.Faults;

/// <summary>
/// The shipped program, and embedded storage with it, on a clock that goes back by an hour while the program runs, and by another while it is down: nothing
/// that was answered is lost, nothing happens twice, and nothing waits for the clock that need not.
/// </summary>
public sealed class ProcessClockTests : IDisposable
{
    private const string AdminKey = "s3cret-admin-key-0815";
    private const string Model = "trips";
    private const string Scheduled = "scheduled";
    private const string Dropped = "dropped";
    private const string File = "may.csv";

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-clock-").FullName;
    private readonly Acknowledged acknowledged = new();

    private string Data => Path.Combine(folder, "data");

    [FaketimeFact]
    public async Task A_clock_that_goes_back_loses_nothing_does_nothing_twice_and_keeps_no_key_open()
    {
        var host = Launch(FakedClock.Behind(Hour, after: TimeSpan.FromSeconds(12)));
        try
        {
            await host.ServesAsync();
            var content = await System.IO.File.ReadAllBytesAsync(await ProcessTrips.WriteAsync(folder, rows: 200));
            var scheduled = await ScheduleAsync(host, content);
            await PrepareAsync(host, content);
            var (key, cookie) = (await AddKeyAsync(), await SignInAsync(host));
            await AssertOpensAsync(host, key, cookie);

            await RunUntilBehindAsync(host, Hour);
            await AssertRevokedKeyOpensNothingAsync(host, key);
            await AssertDroppedFileIsTakenAsync(host, content);
            await host.GetAsync("/health");
            await acknowledged.AssertKeptAsync(host, Model, "it was answered before the clock went back");
            await MoveAsync(host, acknowledged.Runs.Count);
            var accepted = await host.RunAsync(Model, File);

            host = await SetBackBetweenAsync(host, FakedClock.Behind(2 * Hour));
            await acknowledged.AssertKeptAsync(host, Model, "it was answered before the clock went back again");
            acknowledged.See(await EndedWellAsync(host, accepted));
            await MoveAsync(host, acknowledged.Runs.Count);
            await AssertOpensAsync(host, AdminKey, cookie);
            await AssertOpensAsync(host, AdminKey, await SignInAsync(host));
            await AssertOneVersionARunAsync(host);
            (await ScheduledAsync(host)).Should().OnlyContain(
                run => string.CompareOrdinal(run, $"{Scheduled}-{scheduled:yyyyMMddHHmmss}") > 0, "the times that come again have been served");
        }
        finally
        {
            await host.DisposeAsync();
        }
        await using var doctor = LocalProcess.Start(FakedClock.Behind(2 * Hour), "doctor", "--data", Data);
        (await doctor.ExitCodeAsync()).Should().Be(ExitCode.Done, $"{doctor.Output}{doctor.Errors}");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>On a network, so that keys are asked for.</summary>
    private EmbeddedHost Launch(IReadOnlyDictionary<string, string?> clock)
    {
        var host = EmbeddedHost.Launch(Data, new Dictionary<string, string?>(clock) { ["Access__AdminKey"] = AdminKey }, "--listen", "0.0.0.0");
        host.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AdminKey);
        return host;
    }

    /// <summary>A schedule that fires every few seconds, and when there was none yet, by the host's clock.</summary>
    private static async Task<DateTimeOffset> ScheduleAsync(EmbeddedHost host, byte[] content)
    {
        await host.UploadAsync(Scheduled, File, content);
        var before = await TimeOfAsync(host);
        await host.DeclareAsync(
            ProcessTrips.Definition(Scheduled, trees: 1) with { RunOn = new TriggerRules(Schedule: "*/4 * * * * *", Overlap: Overlap.Skip) });
        // On a machine that is very slow the clock may have gone back first.
        await Eventually.IsTrueAsync(async () => (await ScheduledAsync(host)).Count > 0 || await TimeOfAsync(host) < before - Hour / 2);
        // It is told in whole seconds, and a second late.
        return before - TimeSpan.FromSeconds(2);
    }

    /// <summary>A version in production, and an alias that moved.</summary>
    private async Task PrepareAsync(EmbeddedHost host, byte[] content)
    {
        foreach (var model in new[] { Model, Dropped })
        {
            acknowledged.Definitions[model] = (await host.DeclareAsync(ProcessTrips.Definition(model, trees: 1))).ToString();
        }
        await host.UploadAsync(Model, File, content);
        acknowledged.Files[$"{Model}/{File}"] = Convert.ToHexStringLower(SHA256.HashData(content));
        acknowledged.See(await EndedWellAsync(host, await host.RunAsync(Model, File)));
        await MoveAsync(host, version: 1);
    }

    /// <summary>One run after another, until the clock has gone back.</summary>
    private async Task RunUntilBehindAsync(EmbeddedHost host, TimeSpan by)
    {
        do
        {
            acknowledged.See(await EndedWellAsync(host, await host.RunAsync(Model, File)));
        }
        while (await TimeOfAsync(host) > DateTimeOffset.UtcNow - by / 2);
    }

    /// <summary>Kills the host; its storage is still there, on the clock that was right, when the next host comes upon it.</summary>
    private async Task<EmbeddedHost> SetBackBetweenAsync(EmbeddedHost host, IReadOnlyDictionary<string, string?> clock)
    {
        await host.SignalAsync("STOP", Victims.Storage);
        await host.KillAsync(Victims.Host);
        var next = Launch(clock);
        try
        {
            await next.PrintedAsync("Waiting for the storage of an earlier start");
            await host.SignalAsync("CONT", Victims.Storage);
            await next.ServesAsync();
        }
        catch
        {
            await next.DisposeAsync();
            throw;
        }
        await host.DisposeAsync();
        return next;
    }

    private static async Task<DateTimeOffset> TimeOfAsync(EmbeddedHost host)
    {
        using var answer = await host.Http.GetAsync("/ping");
        return answer.Headers.Date!.Value;
    }

    /// <summary>A file that comes by another way than through the program, which has to look for it.</summary>
    private static async Task AssertDroppedFileIsTakenAsync(EmbeddedHost host, byte[] content)
    {
        await new BlobContainerClient(host.Connection.Storage, "raw").UploadBlobAsync($"{Dropped}/{File}", BinaryData.FromBytes(content));
        await Eventually.IsTrueAsync(async () => (await RunsOfAsync(host, Dropped)).Any());
        var run = (await RunsOfAsync(host, Dropped)).Should().ContainSingle().Subject;
        await EndedWellAsync(host, run.GetProperty("runId").GetString()!);
    }

    private static async Task<JsonElement> EndedWellAsync(EmbeddedHost host, string run)
    {
        var ended = await host.EndOfAsync(run);
        // The second version is no better than the first.
        ended.GetProperty("state").GetString().Should().BeOneOf(["succeeded", "blocked"], ended.ToString());
        foreach (var stage in ended.GetProperty("stages").EnumerateArray())
        {
            (stage.TryGetProperty("seconds", out var seconds) ? seconds.GetDouble() : 0).Should().BeGreaterThanOrEqualTo(0, stage.ToString());
        }
        return ended;
    }

    /// <summary>Points an alias at a version, and notes all moves.</summary>
    private async Task MoveAsync(EmbeddedHost host, int version)
    {
        await host.SendAsync(HttpMethod.Put, $"/models/{Model}/aliases/chosen", JsonContent.Create(new { version }));
        var model = await host.GetAsync($"/models/{Model}");
        (acknowledged.Moves, acknowledged.NewMoves) = (Acknowledged.MovesOf(model), 0);
        foreach (var (number, run) in model.GetProperty("versions").EnumerateArray().Select(Acknowledged.VersionOf))
        {
            acknowledged.Versions[number] = run;
        }
    }

    private async Task AssertOneVersionARunAsync(EmbeddedHost host)
    {
        var versions = (await host.GetAsync($"/models/{Model}")).GetProperty("versions").EnumerateArray().Select(Acknowledged.VersionOf).ToList();
        versions.Select(version => version.Run).Should().BeEquivalentTo(acknowledged.Runs.Keys);
        versions.Select(version => version.Version).Should().BeEquivalentTo(Enumerable.Range(1, acknowledged.Runs.Count));
    }

    /// <summary>Runs that the schedule started.</summary>
    private static async Task<IReadOnlyList<string>> ScheduledAsync(EmbeddedHost host) =>
    [
        .. (await RunsOfAsync(host, Scheduled)).Where(run => run.GetProperty("trigger").GetString() == "schedule")
            .Select(run => run.GetProperty("runId").GetString()!).Order(StringComparer.Ordinal),
    ];

    private static async Task<IEnumerable<JsonElement>> RunsOfAsync(EmbeddedHost host, string model) =>
        (await host.GetAsync($"/runs?model={model}&take=1000")).GetProperty("runs").EnumerateArray();

    private async Task<string> AddKeyAsync()
    {
        var (code, output, errors) = await LocalCommand.RunAsync("keys", "add", "Ann", "--role", "reader", "--data", Data);
        code.Should().Be(ExitCode.Done, errors);
        return output.Trim();
    }

    private static async Task<string> SignInAsync(EmbeddedHost host)
    {
        using var http = Browser(host);
        using var answer = await http.PostAsync("/signin", new FormUrlEncodedContent(new Dictionary<string, string> { ["key"] = AdminKey }));
        return answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    private static async Task AssertOpensAsync(EmbeddedHost host, string key, string cookie)
    {
        (await AskAsync(host, "Authorization", $"Bearer {key}")).Should().Be(HttpStatusCode.OK);
        (await AskAsync(host, "Cookie", cookie)).Should().Be(HttpStatusCode.OK);
    }

    private async Task AssertRevokedKeyOpensNothingAsync(EmbeddedHost host, string key)
    {
        (await LocalCommand.RunAsync("keys", "revoke", "Ann", "--data", Data)).ExitCode.Should().Be(ExitCode.Done);
        await Eventually.IsTrueAsync(async () => await AskAsync(host, "Authorization", $"Bearer {key}") == HttpStatusCode.Unauthorized);
    }

    private static async Task<HttpStatusCode> AskAsync(EmbeddedHost host, string header, string value)
    {
        using var http = Browser(host);
        http.DefaultRequestHeaders.Add(header, value);
        using var answer = await http.GetAsync("/models");
        return answer.StatusCode;
    }

    private static HttpClient Browser(EmbeddedHost host) =>
        new(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = host.Http.BaseAddress };
}
